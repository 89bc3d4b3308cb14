package main

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// With a limit the server does not lock memory, and logs the remedy once.
func TestLockMemory(t *testing.T) {
	if os.Getenv("LOCK_MEMORY") == "" {
		c := exec.CommandContext(t.Context(), "prlimit", "--memlock=65536", os.Args[0], "-test.run=^TestLockMemory$", "-test.v")
		c.Env = append(os.Environ(), "LOCK_MEMORY=limited")
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	var log bytes.Buffer
	lockMemory(slog.New(slog.NewTextHandler(&log, nil)))
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=INFO") || !strings.Contains(text, "LimitMEMLOCK=infinity") {
		t.Error(text)
	}
	if !strings.Contains(string(status), "VmLck:\t       0 kB") {
		t.Errorf("memory is locked:\n%s", status)
	}
}
