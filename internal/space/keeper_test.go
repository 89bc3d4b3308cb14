package space

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A holder succeeds if err is nil.
type holder struct {
	err  error
	held int64
}

func (h *holder) Hold(bytes int64) error {
	h.held = bytes
	return h.err
}

// A full disk is reported from the first check that finds it until some time after the last one, and each
// change is one line in the log.
func TestKeeper(t *testing.T) {
	var log bytes.Buffer
	a, b := &holder{}, &holder{}
	k := &Keeper{holders: []Holder{a, b}, bytes: 100, log: slog.New(slog.NewTextHandler(&log, nil))}
	now := time.Now()
	look := func(after time.Duration, full bool, lines int) {
		t.Helper()
		now = now.Add(after)
		k.look(now)
		if err := k.Full(); errors.Is(err, ErrFull) != full || (err != nil) != full {
			t.Errorf("full: %v", err)
		}
		if got := strings.Count(log.String(), "\n"); got != lines {
			t.Errorf("%d lines, want %d:\n%s", got, lines, &log)
		}
	}
	look(0, false, 0)
	if a.held != 100 || b.held != 100 {
		t.Errorf("%d and %d bytes are held", a.held, b.held)
	}
	b.err = fmt.Errorf("file b: %w", syscall.ENOSPC)
	look(lookEvery, true, 1)
	if text := log.String(); !strings.Contains(text, "file b") || !strings.Contains(text, "no space left on device") || !strings.Contains(text, "Free or add space") {
		t.Errorf("the log has neither cause nor remedy: %s", text)
	}
	look(time.Hour, true, 1)
	a.err = Full(syscall.EDQUOT)
	look(time.Hour, true, 1)
	a.err, b.err = nil, nil
	look(dwell-1, true, 1)
	look(1, false, 2)
	look(time.Hour, false, 2)
	a.err = ErrFull
	look(0, true, 3)
	a.err = nil
	look(dwell, false, 4)

	a.err, b.err = syscall.EIO, syscall.EIO // another failure does not mean that the disk is full
	look(0, false, 5)
	look(time.Hour, false, 5)
}

func TestLacks(t *testing.T) {
	for err, want := range map[error]bool{
		syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.EROFS: true,
		syscall.EIO: false, syscall.EFBIG: false, syscall.EBADF: false, nil: false,
	} {
		if got := Lacks(fmt.Errorf("wrapped: %w", err)); got != want {
			t.Errorf("%v: %v", err, got)
		}
	}
}

func TestMark(t *testing.T) {
	var m Mark
	if err := m.Take(); err != nil {
		t.Error(err)
	}
	if err := m.Set(syscall.ENOSPC); !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	if err := m.Take(); !errors.Is(err, ErrFull) || m.Take() != nil {
		t.Error(err)
	}
}

func TestKeep(t *testing.T) {
	k := Keep(slog.New(slog.DiscardHandler), 1, &holder{err: syscall.ENOSPC})
	defer k.Close()
	if k.Full() == nil {
		t.Error("Keep has not looked")
	}
}
