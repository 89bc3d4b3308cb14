package main

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A process that a test has left behind ends with the test, and at the time limit.
func TestGroupEnds(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		limit  time.Duration
		code   int
	}{
		"left behind": {"sleep 1000 & exit 3", time.Minute, 3},
		"time limit":  {"sleep 1000 & wait", 2 * time.Second, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alive := filepath.Join(t.TempDir(), "alive")
			if err := syscall.Mkfifo(alive, 0o600); err != nil {
				t.Fatal(err)
			}
			reader, err := os.OpenFile(alive, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			err = runGroup(t.Context(), c.limit, "", os.Environ(), "sh", "-c", "exec >"+alive+"; "+c.script)
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != c.code {
				t.Error(err)
			}
			reader.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.ReadAll(reader); err != nil {
				t.Errorf("a process is alive: %v", err)
			}
		})
	}
}

func TestParallel(t *testing.T) {
	items := make([]int, 100)
	for i := range items {
		items[i] = i
	}
	done := make([]int, len(items))
	err := parallel(3, items, func(i int) error { done[i]++; return nil })
	for i, n := range done {
		if n != 1 || err != nil {
			t.Errorf("item %d: %d times, %v", i, n, err)
		}
	}
	failure, calls := errors.New("failure"), 0
	err = parallel(1, items, func(i int) error {
		calls++
		if i == 5 {
			return failure
		}
		return nil
	})
	if !errors.Is(err, failure) || calls != 6 {
		t.Errorf("%v after %d calls", err, calls)
	}
}
