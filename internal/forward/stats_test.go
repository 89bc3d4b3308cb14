package forward

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A receiver that is slow without an error is named every ten minutes, with its lag and the age of the lines that it
// lacks.
func TestSlowReceiver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, target := &growing{}, &memoryTarget{ack: true, fail: func() error { time.Sleep(25 * time.Second); return nil }}
		var log bytes.Buffer
		g.add(100_000) // 42 minutes
		run(t, config(t, g, target, &log), func(f *Forwarder) {
			if s := f.Stats(); s.Lag != 100_000 || s.Behind != 0 || s.Confirmed != 0 {
				t.Errorf("at the start: %+v", s)
			}
			time.Sleep(35 * time.Minute)
			if s := f.Stats(); s.Lag < 10_000 || s.Behind < 34*time.Minute || s.Behind > 35*time.Minute || s.Confirmed+s.Lag != 100_000 {
				t.Errorf("after 35 minutes: %+v", s)
			}
			if n := strings.Count(log.String(), "is behind"); n != 3 || strings.Contains(log.String(), "not forwarded") {
				t.Errorf("%d lines: %s", n, &log)
			}
			time.Sleep(time.Hour)
			if s := f.Stats(); s.Lag != 0 || s.Behind != 0 || s.Confirmed != 100_000 {
				t.Errorf("at the end: %+v", s)
			}
		})
	})
}

// A receiver that keeps up is never behind, although it lacks the newest lines most of the time.
func TestReceiverThatKeepsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, target := &growing{}, &memoryTarget{}
		var log bytes.Buffer
		run(t, config(t, g, target, &log), func(f *Forwarder) {
			for range 1500 {
				g.add(1)
				time.Sleep(time.Second)
				if s := f.Stats(); s.Behind > 15*time.Second {
					t.Fatalf("%+v", s)
				}
			}
		})
		if log.Len() > 0 {
			t.Error(log.String())
		}
	})
}

// Deletions may rely on Confirmed, so a Forwarder that starts again never finds a line deleted that it has to send. A
// position that cannot be kept confirms nothing.
func TestConfirmedIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, target := &growing{}, &memoryTarget{ack: true}
		c := config(t, g, target, io.Discard)
		block := filepath.Join(c.Position+".new", "x") // stops even root
		if err := os.MkdirAll(block, 0o700); err != nil {
			t.Fatal(err)
		}
		g.add(10)
		run(t, c, func(f *Forwarder) {
			time.Sleep(time.Minute)
			if n, s := f.Confirmed(), f.Stats(); n != 0 || s.Confirmed != 10 || s.Lag != 0 {
				t.Errorf("without a file: %d, %+v", n, s)
			}
			if err := os.RemoveAll(c.Position + ".new"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(2 * longestWait)
			if n := f.Confirmed(); n != 10 {
				t.Errorf("with a file: %d", n)
			}
			target.mu.Lock()
			target.fail = func() error { return errors.New("cut") }
			target.mu.Unlock()
			g.add(10)
			time.Sleep(time.Minute)
			if n := f.Confirmed(); n != 10 {
				t.Errorf("a receiver that fails: %d", n)
			}
		})
	})
}
