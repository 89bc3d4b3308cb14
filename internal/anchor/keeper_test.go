package anchor

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/logtest"
)

// A source is the log of a node, whose newest checkpoint has size lines.
type source struct {
	*logtest.Log
	size atomic.Int64
}

func (s *source) Checkpoint() ([]byte, error) {
	if n := s.size.Load(); n >= 0 {
		return s.Log.Checkpoint(n), nil
	}
	return nil, fs.ErrNotExist
}

// A flaky anchor fails with err.
type flaky struct {
	Anchor
	err   error
	calls int
}

func (f *flaky) Keep(ctx context.Context, c Checkpoint, confirmed int64) ([]byte, error) {
	f.calls++
	if f.err != nil {
		return nil, f.err
	}
	return f.Anchor.Keep(ctx, c, confirmed)
}

// keeperOf returns the configuration of a Keeper of the first n lines.
func keeperOf(l *logtest.Log, n int64, dir string, a Anchor, require bool, log *bytes.Buffer) Config {
	s := &source{Log: l}
	s.size.Store(n)
	return Config{Anchor: a, Log: s, Verifier: l.Verifier(), State: filepath.Join(dir, "audit.anchor"), Require: require,
		Unsigned: func() error { return nil }, Logger: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now}
}

// An anchor that fails for a minute stops a server that requires it, and no other. Each row of failures is logged once.
func TestUnreachable(t *testing.T) {
	for _, require := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			l, dir := newLog(t, "line", 40), t.TempDir()
			a := &flaky{Anchor: File{filepath.Join(dir, "anchor")}}
			c := keeperOf(l, 10, dir, a, require, &log)
			k, err := Start(t.Context(), c)
			if err != nil || k.Healthy() != nil || k.Lag() != 0 {
				t.Fatal(err, k.Healthy(), k.Lag())
			}
			ctx, cancel := context.WithCancel(t.Context())
			var ended atomic.Bool
			go func() { k.Run(ctx); ended.Store(true) }()
			a.err = errors.New("cut")
			c.Log.(*source).size.Store(12)
			time.Sleep(patience)
			if k.Healthy() != nil || k.Lag() != 2 || strings.Count(log.String(), "\n") != 1 {
				t.Errorf("within a minute: %v, lag %d, %s", k.Healthy(), k.Lag(), &log)
			}
			time.Sleep(time.Hour)
			if err := k.Healthy(); (err != nil) != require || require && !strings.Contains(err.Error(), "cut") {
				t.Errorf("require %v: %v", require, err)
			}
			want := 1
			if require {
				want = 2
			}
			if n := strings.Count(log.String(), "\n"); n != want || !strings.Contains(log.String(), "cause=cut") {
				t.Errorf("require %v: %d lines: %s", require, n, &log)
			}
			a.err = nil
			time.Sleep(lookEvery + time.Second)
			if k.Healthy() != nil || k.Lag() != 0 || strings.Count(log.String(), "\n") != want+1 {
				t.Errorf("require %v, when it works again: %v, lag %d, %s", require, k.Healthy(), k.Lag(), &log)
			}
			cancel()
			synctest.Wait()
			if !ended.Load() {
				t.Error("Run goes on")
			}
		})
	}
}

// A hanging anchor does not answer, and does not end with its context, as a file on a volume that hangs.
type hanging struct {
	Anchor
	hangs atomic.Bool
	end   chan struct{}
	calls atomic.Int64
}

func (h *hanging) Keep(ctx context.Context, c Checkpoint, confirmed int64) ([]byte, error) {
	h.calls.Add(1)
	if h.hangs.Load() {
		<-h.end
	}
	return h.Anchor.Keep(ctx, c, confirmed)
}

// An anchor that hangs stops a server that requires it, as an anchor that fails does, and is waited for by one goroutine.
func TestAnchorHangs(t *testing.T) {
	for _, atStart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			l, dir := newLog(t, "line", 40), t.TempDir()
			a := &hanging{Anchor: File{filepath.Join(dir, "anchor")}, end: make(chan struct{})}
			a.hangs.Store(atStart)
			c := keeperOf(l, 10, dir, a, true, &log)
			k, err := Start(t.Context(), c)
			if err != nil || (k.Healthy() == nil) == atStart {
				t.Fatal(err, k.Healthy())
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() { k.Run(ctx); close(ended) }()
			a.hangs.Store(true)
			c.Log.(*source).size.Store(12)
			time.Sleep(patience + 3*attemptTime)
			if k.Healthy() == nil || !errors.Is(k.Failing(), errSilent) {
				t.Errorf("at the start %v: %v, %v", atStart, k.Healthy(), k.Failing())
			}
			before := a.calls.Load()
			time.Sleep(time.Hour)
			if n := a.calls.Load(); n != before {
				t.Errorf("%d more attempts wait", n-before)
			}
			a.hangs.Store(false)
			close(a.end)
			time.Sleep(askEvery + attemptTime)
			if k.Healthy() != nil || k.Lag() != 0 {
				t.Errorf("when it answers again: %v, lag %d", k.Healthy(), k.Lag())
			}
			cancel()
			<-ended
		})
	}
}

// A checkpoint is kept within seconds, and the same one once a minute.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l, dir := newLog(t, "line", 40), t.TempDir()
		a := &flaky{Anchor: File{filepath.Join(dir, "anchor")}}
		c := keeperOf(l, 10, dir, a, true, &log)
		k, err := Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go k.Run(ctx)
		time.Sleep(10*time.Minute + time.Second)
		if a.calls != 11 {
			t.Errorf("%d attempts in ten minutes", a.calls)
		}
		c.Log.(*source).size.Store(11)
		time.Sleep(lookEvery)
		if all, err := Read(filepath.Join(dir, "anchor")); err != nil || len(all) != 1 || all[0].Size != 11 {
			t.Errorf("%v, %v", all, err)
		}
		cancel()
		synctest.Wait()
		c.Log.(*source).size.Store(12)
		if err := k.Last(t.Context()); err != nil {
			t.Error(err)
		}
		if all, err := Read(filepath.Join(dir, "anchor")); err != nil || all[0].Size != 12 {
			t.Errorf("%v, %v", all, err)
		}
	})
}

// An idle server writes neither the file of its anchor nor its state.
func TestIdleKeeperWritesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, data, other := newLog(t, "line", 40), t.TempDir(), t.TempDir()
		c := keeperOf(l, 10, data, File{filepath.Join(other, "anchor")}, true, &bytes.Buffer{})
		for range 2 { // also after another start
			k, err := Start(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			long := time.Unix(1e9, 0)
			if err := errors.Join(os.Chtimes(data, long, long), os.Chtimes(other, long, long)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			go k.Run(ctx)
			time.Sleep(time.Hour)
			cancel()
			synctest.Wait()
			for _, dir := range []string{data, other} {
				if info, err := os.Stat(dir); err != nil || !info.ModTime().Equal(long) {
					t.Errorf("%s was changed: %v", dir, err)
				}
			}
			if k.Healthy() != nil || k.Failing() != nil {
				t.Error(k.Healthy(), k.Failing())
			}
		}
	})
}

// A server that requires an anchor refuses requests from its start until the anchor confirms a checkpoint, and a server
// that does not require it serves.
func TestStartWithoutAnchor(t *testing.T) {
	for _, require := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			l, dir := newLog(t, "line", 40), t.TempDir()
			a := &flaky{Anchor: File{filepath.Join(dir, "anchor")}, err: errors.New("cut")}
			k, err := Start(t.Context(), keeperOf(l, 10, dir, a, require, &log))
			if err != nil || (k.Healthy() != nil) != require {
				t.Fatal(err, k.Healthy())
			}
			ctx, cancel := context.WithCancel(t.Context())
			go k.Run(ctx)
			a.err = nil
			time.Sleep(lookEvery)
			synctest.Wait()
			if k.Healthy() != nil {
				t.Error(k.Healthy())
			}
			cancel()
		})
	}
}

// Old copies of everything: any older log, and any other log of the same origin, is refused at the start, whether an
// anchor is required or not, and whether the state is old too.
func TestOldCopies(t *testing.T) {
	l := newLog(t, "line", 40)
	for _, kind := range []string{"file", "witness"} {
		for _, require := range []bool{false, true} {
			dir := t.TempDir()
			var a Anchor = File{filepath.Join(dir, "anchor")}
			if kind == "witness" {
				a = startWitness(t, l)
			}
			var log bytes.Buffer
			for _, n := range []int64{10, 30} {
				if _, err := Start(t.Context(), keeperOf(l, n, dir, a, require, &log)); err != nil {
					t.Fatal(err)
				}
			}
			state := filepath.Join(dir, "audit.anchor")
			newest, err := os.ReadFile(state)
			if err != nil {
				t.Fatal(err)
			}
			for _, old := range [][]byte{nil, newest} {
				for n := int64(0); n < 30; n++ {
					err := errors.Join(os.Remove(state), os.WriteFile(state, old, 0o600))
					if old == nil {
						err = os.Remove(state)
					}
					if err != nil {
						t.Fatal(err)
					}
					if _, err := Start(t.Context(), keeperOf(l, n, dir, a, require, &log)); !errors.Is(err, ErrNewer) {
						t.Errorf("%s, a copy of size %d, with state %v: %v", kind, n, old != nil, err)
					}
					if n == 0 {
						continue
					}
					fork := newLog(t, "line", int(n-1))
					for fork.Size() < 40 {
						fork.Add("another line")
					}
					if _, err := Start(t.Context(), keeperOf(fork, 30+n%10, dir, a, require, &log)); !errors.Is(err, ErrForked) {
						t.Errorf("%s, a copy that went on at %d: %v", kind, n-1, err)
					}
					if err := os.WriteFile(state, old, 0o600); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := os.Remove(state); err != nil {
				t.Fatal(err)
			}
			if _, err := Start(t.Context(), keeperOf(l, 30, dir, a, require, &log)); err != nil {
				t.Errorf("%s, the newest copy: %v", kind, err)
			}
		}
	}
}

// A running server does not end by what an anchor claims: one that requires the anchor refuses requests at once.
func TestRefutedWhileRunning(t *testing.T) {
	for _, require := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			l, dir := newLog(t, "line", 40), t.TempDir()
			a := &flaky{Anchor: File{filepath.Join(dir, "anchor")}}
			k, err := Start(t.Context(), keeperOf(l, 10, dir, a, require, &log))
			if err != nil {
				t.Fatal(err)
			}
			a.err = ErrNewer
			ctx, cancel := context.WithCancel(t.Context())
			go k.Run(ctx)
			time.Sleep(askEvery + lookEvery)
			if (k.Healthy() != nil) != require || !strings.Contains(log.String(), ErrNewer.Error()) {
				t.Errorf("require %v: %v, %s", require, k.Healthy(), &log)
			}
			cancel()
		})
	}
}

// The state of another log or of another anchor is ignored, and an unreadable state is an error that names the file.
func TestState(t *testing.T) {
	var log bytes.Buffer
	l, dir := newLog(t, "line", 40), t.TempDir()
	c := keeperOf(l, 30, dir, File{filepath.Join(dir, "anchor")}, true, &log)
	if _, err := Start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	other := keeperOf(l, 10, dir, File{filepath.Join(dir, "another anchor")}, true, &log)
	if _, err := Start(t.Context(), other); err != nil {
		t.Errorf("another anchor: %v", err)
	}
	again := logtest.New(t, origin+"-2", 1).Add("x")
	if k, err := Start(t.Context(), keeperOf(again, 1, dir, c.Anchor, true, &log)); err != nil || k.Healthy() != nil {
		t.Errorf("another origin: %v", err)
	}
	if all, err := Read(filepath.Join(dir, "anchor")); err != nil || len(all) != 2 {
		t.Errorf("the anchor has %v, %v", all, err)
	}
	for _, text := range []string{"", "x", c.Anchor.String() + "\n", c.Anchor.String() + "\nx\n1\n\n", strings.Repeat("x", maxState)} {
		if err := os.WriteFile(c.State, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(t.Context(), c); err == nil || !strings.Contains(err.Error(), c.State) {
			t.Errorf("%.40q: %v", text, err)
		}
	}
}

// An anchor that was emptied is an anchor that fails: the state shows it.
func TestEmptiedAnchor(t *testing.T) {
	var log bytes.Buffer
	l, dir := newLog(t, "line", 40), t.TempDir()
	c := keeperOf(l, 30, dir, File{filepath.Join(dir, "anchor")}, true, &log)
	if _, err := Start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "anchor")); err != nil {
		t.Fatal(err)
	}
	if k, err := Start(t.Context(), c); err != nil || !errors.Is(k.Healthy(), ErrForgot) {
		t.Errorf("%v, %v", err, k.Healthy())
	}
	if err := os.Remove(c.State); err != nil {
		t.Fatal(err)
	}
	if k, err := Start(t.Context(), c); err != nil || k.Healthy() != nil {
		t.Errorf("without the state: %v", err)
	}
}

// A log without a checkpoint is a new log, unless a checkpoint was confirmed.
func TestNoCheckpoint(t *testing.T) {
	var log bytes.Buffer
	l, dir := newLog(t, "line", 40), t.TempDir()
	c := keeperOf(l, -1, dir, File{filepath.Join(dir, "anchor")}, true, &log)
	if k, err := Start(t.Context(), c); err != nil || k.Healthy() != nil {
		t.Fatal(err)
	}
	c.Log.(*source).size.Store(3)
	if _, err := Start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	c.Log.(*source).size.Store(-1)
	if _, err := Start(t.Context(), c); !errors.Is(err, ErrNewer) {
		t.Error(err)
	}
}

// Hashes that cannot be read are not an answer.
func TestUnreadableHashes(t *testing.T) {
	var log bytes.Buffer
	l, dir := newLog(t, "line", 40), t.TempDir()
	c := keeperOf(l, 10, dir, File{filepath.Join(dir, "anchor")}, true, &log)
	if _, err := Start(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	c.Log = unreadable{c.Log}
	if k, err := Start(t.Context(), c); err != nil || k.Healthy() == nil {
		t.Error(err)
	}
}

type unreadable struct{ Source }

func (unreadable) ReadHashes([]int64) ([]tlog.Hash, error) {
	return nil, errors.New("input/output error")
}
