package main

import (
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/forward"
	"github.com/keyhold/keyhold/internal/transparency"
)

func TestAuditSync(t *testing.T) {
	for when, want := range map[string]bool{"soon": true, "always": true, "": false, "never": false, "Always": false} {
		if err := (auditSync{when}).check(); (err == nil) != want {
			t.Errorf("%q: %v", when, err)
		}
	}
}

// Deletions of old events wait for the second device from the first moment, until the disk is full.
func TestDeletionsWaitForTheDevice(t *testing.T) {
	var full error
	if (&devices{}).needed(func() error { return full }) != nil {
		t.Error("a server without a device waits")
	}
	d := &devices{deviceOptions: deviceOptions{forward: "unix:/nowhere"}, data: t.TempDir()}
	needed := d.needed(func() error { return full })
	if first, wait := needed(); first != 0 || !wait {
		t.Errorf("before the device is known: %d, %v", first, wait)
	}
	var log transparency.Memory
	for range 5 {
		log.Append([]byte(`{"eventID":"x"}`))
	}
	target, err := forward.Parse(d.forward, forward.Options{})
	if err != nil {
		t.Fatal(err)
	}
	hash := transparency.Leaf([]byte(`{"eventID":"x"}`))
	position := strings.Join([]string{target.String(), "keyhold/d/n", "3", hash.String(), ""}, "\n")
	path := filepath.Join(d.data, forwardPosition)
	if err := os.WriteFile(path, []byte(position), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := forward.New(t.Context(), forward.Config{
		Log: &log, Origin: "keyhold/d/n", Target: target, Position: path, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	d.forwarder.Store(f)
	if first, wait := needed(); first != 3 || !wait {
		t.Errorf("the device has 3 lines: %d, %v", first, wait)
	}
	full = errors.New("full")
	if first, wait := needed(); first != 3 || wait {
		t.Errorf("on a full disk: %d, %v", first, wait)
	}
}
