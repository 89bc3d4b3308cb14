package server

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/key"
)

// A tenant who sends many requests that are refused does not fill the operator's log, and hides no refusals of others.
func TestRefusalsDoNotFillTheLog(t *testing.T) {
	var log bytes.Buffer
	h := &Handler{Log: slog.New(slog.NewTextHandler(&log, nil))}
	refuse := func(target string) {
		h.warnOfRefusal("id", target, key.Errorf(key.KindInvalidCiphertext, "").Because(errors.New("cause")))
	}
	for range 10_000 {
		refuse("TrentService.Decrypt")
	}
	if n := strings.Count(log.String(), `msg="request refused"`); n != mostLines {
		t.Errorf("%d lines", n)
	}
	if n := strings.Count(log.String(), "further lines like this one"); n != 1 {
		t.Errorf("%d lines say that there are more", n)
	}
	refuse("TrentService.ImportKeyMaterial")
	if !strings.Contains(log.String(), "ImportKeyMaterial") {
		t.Error("the refusal of another operation is hidden")
	}
	var r perMinute
	begun := time.Unix(1000, 0)
	for i := range 10 * mostNames {
		r.due(fmt.Sprint("name", i), begun)
	}
	if len(r.lines) > mostNames+1 {
		t.Errorf("%d names are kept", len(r.lines))
	}
	for range mostLines + 1 {
		r.due("name0", begun)
	}
	if write, _, _ := r.due("name0", begun.Add(59*time.Second)); write {
		t.Error("a line more within a minute")
	}
	if write, _, left := r.due("name0", begun.Add(time.Minute)); !write || left == 0 {
		t.Errorf("after a minute: %v, and %d lines were left out", write, left)
	}
	if _, _, left := r.due("name0", begun.Add(2*time.Minute)); left != 0 {
		t.Errorf("after a minute with one line, %d lines were left out", left)
	}
}

// A tenant or stranger who sends many requests that fail does not fill the operator's log. The log says how many lines
// were left out.
func TestFailuresDoNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		h := &Handler{Log: slog.New(slog.NewTextHandler(&log, nil))}
		for range 1000 {
			h.refusal("id", "TrentService.Decrypt", errors.New("the disk has a fault"))
		}
		if n := strings.Count(log.String(), "the disk has a fault"); n != mostLines {
			t.Errorf("%d lines", n)
		}
		for range 1000 {
			h.panics.log(h.Log, slog.LevelError, "panic", "")
		}
		if n := strings.Count(log.String(), "msg=panic"); n != mostLines {
			t.Errorf("%d lines of panics", n)
		}
		time.Sleep(time.Minute)
		h.refusal("id", "TrentService.Encrypt", errors.New("another fault"))
		if text := log.String(); !strings.Contains(text, "lines=980") || !strings.Contains(text, "another fault") {
			t.Errorf("after a minute: %s", text[max(0, len(text)-400):])
		}
	})
}
