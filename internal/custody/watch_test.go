package custody

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/seal"
)

// A faulty custody does what a test tells it.
type faulty struct {
	seal.Root
	err   error         // of Unwrap
	delay time.Duration // of Wrap
	deaf  bool          // Wrap ignores its context
	other bool          // Unwrap returns another value
	calls atomic.Int32  // of Wrap
}

func newFaulty() *faulty { return &faulty{Root: seal.NewEphemeralRoot()} }

func (f *faulty) Wrap(ctx context.Context, secret []byte, context string) ([]byte, error) {
	f.calls.Add(1)
	done := ctx.Done()
	if f.deaf {
		done = nil
	}
	select {
	case <-time.After(f.delay):
		return f.Root.Wrap(ctx, secret, context)
	case <-done:
		return nil, ctx.Err()
	}
}

func (f *faulty) Unwrap(ctx context.Context, wrapped []byte, context string) ([]byte, error) {
	if f.other {
		return make([]byte, keySize), nil
	}
	if f.err != nil {
		return nil, f.err
	}
	return f.Root.Unwrap(ctx, wrapped, context)
}

// Prove notices each way in which a custody can fail, and waits for a slow one.
func TestProve(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*faulty)
		want   string
	}{
		"works":         {func(*faulty) {}, ""},
		"slow":          {func(f *faulty) { f.delay = 5 * time.Second }, ""},
		"silent":        {func(f *faulty) { f.delay = time.Hour }, "does not work: it does not answer within 30s: check"},
		"deaf":          {func(f *faulty) { f.delay, f.deaf = time.Hour, true }, "does not work: it does not answer within 30s: check"},
		"does not open": {func(f *faulty) { f.err = seal.ErrOpen }, "does not work: unwrap a value: "},
		"gone":          {func(f *faulty) { f.err = errors.New("no device") }, "does not work: unwrap a value: no device"},
		"another value": {func(f *faulty) { f.other = true }, "it unwraps another value than it has wrapped"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFaulty()
				test.change(f)
				err := Prove(t.Context(), f)
				if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), f.ID())) {
					t.Errorf("%v", err)
				}
				time.Sleep(time.Hour) // until the deaf call has ended
			})
		})
	}
}

// A Watch logs a change once, and its state tells since when, and why.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f := newFaulty()
		w := NewWatch(func() seal.Root { return f }, WatchPeriod, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		go w.Run(ctx)
		expect := func(lines int, fails bool, since, proved time.Duration) {
			t.Helper()
			synctest.Wait()
			s := w.State()
			if n := strings.Count(log.String(), "\n"); n != lines || (s.Err != nil) != fails || s.Custody != f.ID() {
				t.Errorf("%d lines, %v", n, s)
			}
			if s.Since.Sub(start) != since || s.Proved.Sub(start) != proved {
				t.Errorf("since %v, proved %v", s.Since.Sub(start), s.Proved.Sub(start))
			}
		}
		expect(0, false, 0, 0)
		time.Sleep(3*time.Minute + time.Second)
		expect(0, false, 0, 3*time.Minute)
		f.err = errors.New("the device is gone: put it back")
		time.Sleep(3 * time.Minute)
		expect(1, true, 4*time.Minute, 3*time.Minute)
		f.err = nil
		time.Sleep(2 * time.Minute)
		expect(2, false, 7*time.Minute, 8*time.Minute)
		for _, want := range []string{"does not work any more", "the device is gone: put it back", "works again", "failed=3m0s"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("no %q in %s", want, log.String())
			}
		}
		cancel()
		calls := f.calls.Load()
		time.Sleep(time.Hour)
		if f.calls.Load() != calls {
			t.Error("a proof after the end")
		}
	})
}

// A custody that does not return from a call has one call at a time.
func TestWatchOfADeafCustody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFaulty()
		f.deaf, f.delay = true, 10*time.Minute+time.Second
		w := NewWatch(func() seal.Root { return f }, WatchPeriod, slog.New(slog.DiscardHandler))
		go w.Run(t.Context())
		time.Sleep(9 * time.Minute)
		if n, s := f.calls.Load(), w.State(); n != 1 || !errors.Is(s.Err, errSilent) {
			t.Errorf("%d calls, %v", n, s)
		}
		f.deaf, f.delay = false, 0
		time.Sleep(6 * time.Minute)
		if s := w.State(); s.Err != nil {
			t.Error(s)
		}
	})
}

// A custody that was read from a file is looked for in the file, because the next start needs the file.
func TestWatchOfFiles(t *testing.T) {
	for name, test := range map[string]struct{ good, other string }{
		KeyFileKind:  {"", keyFilePrefix + "pSUlJSUlJSUlJSUlJSUlJSUlJSUlJSUlJSUlJSUlJSU=\n"},
		"passphrase": {"correct horse battery staple\n", "correct horse battery stable\n"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret")
			if test.good != "" {
				if err := os.WriteFile(path, []byte(test.good), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			made, err := (Spec{name, path}).Create(nil)
			if err != nil {
				t.Fatal(err)
			}
			opened, err := (Spec{name, path}).Open(nil)
			if err != nil {
				t.Fatal(err)
			}
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			expect := func(want string) {
				t.Helper()
				for _, root := range []seal.Root{made, opened} {
					err := again(t.Context(), root)
					if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
						t.Errorf("%v, want %q", err, want)
					}
				}
			}
			expect("")
			if err := os.WriteFile(path, []byte(test.other), 0o600); err != nil {
				t.Fatal(err)
			}
			expect("now: restore")
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			expect("no such file or directory: restore")
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
			expect("")
		})
	}
	if err := again(t.Context(), passphrase{place: "prompt"}); err != nil {
		t.Error(err)
	}
	if err := again(t.Context(), keyFile{place: "fd:3"}); err != nil {
		t.Error(err)
	}
}
