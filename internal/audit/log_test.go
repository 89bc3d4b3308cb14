package audit

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A disk is a File in memory that tests can block and make fail.
type disk struct {
	onWrite func() // called before the bytes are taken
	onSync  func()
	fault   func(p []byte) (int, error) // replaces the write if not nil

	syncErr, truncateErr error

	mu            sync.Mutex
	data          []byte
	writes, syncs int
	closed        bool
}

func (d *disk) Write(p []byte) (int, error) {
	if d.onWrite != nil {
		d.onWrite()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.writes++
	if d.fault != nil {
		n, err := d.fault(p)
		d.data = append(d.data, p[:n]...)
		return n, err
	}
	d.data = append(d.data, p...)
	return len(p), nil
}

func (d *disk) Sync() error {
	if d.onSync != nil {
		d.onSync()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	return d.syncErr
}

func (d *disk) Truncate(size int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.data = d.data[:size]
	return d.truncateErr
}

func (d *disk) Close() error { d.closed = true; return nil }

func (d *disk) has(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return bytes.Contains(d.data, []byte(`"eventID":"`+id+`"`))
}

// A hold blocks a disk until let is called.
type hold chan struct{}

func (h hold) wait()   { <-h }
func (h hold) let()    { h <- struct{}{} } // lets one call continue
func (h hold) letAll() { close(h) }

// begin calls Write in a goroutine and returns a channel for the result.
func begin(ctx context.Context, l *Log, e Event) <-chan error {
	answer := make(chan error, 1)
	go func() { answer <- l.Write(ctx, e) }()
	synctest.Wait()
	return answer
}

func wantPending(t *testing.T, answer <-chan error) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-answer:
		t.Fatalf("answered too early: %v", err)
	default:
	}
}

func TestWriteWaitsForItsOwnLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(hold)
		d := &disk{onWrite: h.wait}
		l := New(d, Options{})
		a := begin(t.Context(), l, event("a"))
		b := begin(t.Context(), l, event("b")) // arrives while a is being written
		wantPending(t, a)
		h.let()
		if err := <-a; err != nil || !d.has("a") {
			t.Errorf("a: %v", err)
		}
		wantPending(t, b)
		if d.has("b") {
			t.Error("b was written with a")
		}
		h.let()
		if err := <-b; err != nil || !d.has("b") {
			t.Errorf("b: %v", err)
		}
		if d.syncs != 0 {
			t.Error("a read waited for an fsync")
		}
		closeLog(t, l)
	})
}

func TestWaitingLinesAreOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(hold)
		d := &disk{onWrite: h.wait}
		l := New(d, Options{})
		answers := []<-chan error{}
		var want []string
		for i := range 101 {
			id := "e" + string(rune('A'+i))
			want = append(want, id)
			answers = append(answers, begin(t.Context(), l, event(id)))
		}
		h.letAll()
		for _, a := range answers {
			if err := <-a; err != nil {
				t.Error(err)
			}
		}
		closeLog(t, l)
		if d.writes != 2 {
			t.Errorf("%d writes of 101 lines, want 2", d.writes)
		}
		if got := ids(t, d.data); !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	})
}

func TestSyncedAfterTheFsyncThatCoversIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(hold)
		d := &disk{onSync: h.wait}
		l := New(d, Options{FsyncEvery: 10 * time.Millisecond})
		var first, beside, second atomic.Bool
		appendTo(t, l, "first", &first)
		time.Sleep(9 * time.Millisecond)
		appendTo(t, l, "beside", &beside)
		synctest.Wait()
		if !d.has("first") || first.Load() {
			t.Error("not written at once, or synced too early")
		}
		time.Sleep(time.Millisecond) // the fsync begins
		synctest.Wait()
		appendTo(t, l, "second", &second) // written, but not covered by this fsync
		if !d.has("second") || first.Load() {
			t.Error("an fsync holds up writes, or is over before its end")
		}
		time.Sleep(4 * time.Millisecond)
		h.let()
		synctest.Wait()
		if !first.Load() || !beside.Load() || second.Load() {
			t.Errorf("after one fsync: %v %v, second %v", first.Load(), beside.Load(), second.Load())
		}
		start := time.Now()
		h.let()
		if time.Since(start) != 6*time.Millisecond { // second was 10 ms old then
			t.Errorf("the second fsync came after %v", time.Since(start))
		}
		synctest.Wait()
		if !second.Load() || d.syncs != 2 {
			t.Errorf("after two: second %v, %d fsyncs", second.Load(), d.syncs)
		}
		closeLog(t, l)
	})
}

func TestQuietLogIsNotFsynced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{}
		l := New(d, Options{})
		for range 3 {
			write(t, l, event("a"))
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Minute)
		closeLog(t, l)
		if d.writes != 3 || d.syncs != 1 {
			t.Errorf("%d writes, %d fsyncs", d.writes, d.syncs)
		}
	})
}

func appendTo(t *testing.T, l *Log, id string, synced *atomic.Bool) {
	t.Helper()
	if err := l.Append(mustLine(t, event(id)), func() { synced.Store(true) }); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func TestAlwaysWaitsForTheFsync(t *testing.T) {
	for _, later := range []bool{false, true} {
		testAlways(t, later)
	}
}

func testAlways(t *testing.T, later bool) {
	synctest.Test(t, func(t *testing.T) {
		h := make(hold)
		d := &disk{onSync: h.wait}
		l := New(d, Options{Always: !later})
		if later {
			l.SyncAlways()
		}
		start := time.Now()
		a := begin(t.Context(), l, event("a"))
		wantPending(t, a)
		if !d.has("a") {
			t.Error("not written")
		}
		h.let()
		if err := <-a; err != nil || d.syncs != 1 || time.Since(start) != 0 {
			t.Errorf("%v, %d fsyncs, after %v", err, d.syncs, time.Since(start))
		}
		closeLog(t, l)
	})
}

func TestAppendTakesOneLine(t *testing.T) {
	d := &disk{}
	l := New(d, Options{})
	for _, bad := range []string{"", "\n", "{}", "{}\n{}\n", "{}\n\n", "\n{}\n", "{\n}"} {
		if err := l.Append([]byte(bad), nil); err == nil {
			t.Errorf("took %q", bad)
		}
	}
	for _, good := range []string{"{}\n", "1\n"} {
		if err := l.Append([]byte(good), nil); err != nil {
			t.Error(err)
		}
	}
	closeLog(t, l)
	if string(d.data) != "{}\n1\n" {
		t.Errorf("wrote %q", d.data)
	}
}

func TestWriteRefusesABadEvent(t *testing.T) {
	d := &disk{}
	l := New(d, Options{})
	if err := l.Write(t.Context(), Event{RequestParameters: []byte("{\n}")}); err == nil {
		t.Error("written")
	}
	if err := l.Healthy(); err != nil {
		t.Errorf("one bad event made the log unhealthy: %v", err)
	}
	closeLog(t, l)
	if len(d.data) > 0 {
		t.Errorf("wrote %q", d.data)
	}
}

func TestCloseWritesWhatIsQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(hold)
		d := &disk{onWrite: h.wait}
		l := New(d, Options{})
		var synced [2]atomic.Bool
		appendTo(t, l, "a", &synced[0])
		appendTo(t, l, "b", &synced[1])
		start := time.Now()
		go h.letAll()
		closeLog(t, l)
		if !d.has("a") || !d.has("b") || !synced[0].Load() || !synced[1].Load() || !d.closed {
			t.Errorf("%q, closed %v", d.data, d.closed)
		}
		if time.Since(start) != 0 {
			t.Errorf("took %v", time.Since(start))
		}
		for name, err := range map[string]error{
			"Write": l.Write(t.Context(), event("c")), "Append": l.Append([]byte("{}\n"), nil),
			"Healthy": l.Healthy(), "Close": l.Close(),
		} {
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%s afterwards: %v", name, err)
			}
		}
	})
}

func TestDiscard(t *testing.T) {
	l := New(Discard{}, Options{})
	done := make(chan struct{})
	if err := l.Append(mustLine(t, sample()), func() { close(done) }); err != nil {
		t.Fatal(err)
	}
	write(t, l, sample())
	<-done
	if err := l.Healthy(); err != nil || len(since(t, l, 0)) > 0 || l.Torn() != 0 {
		t.Errorf("%v", err)
	}
	closeLog(t, l)
}

func TestBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := make(hold)
		d := &disk{onWrite: h.wait}
		l := New(d, Options{})
		begin(t.Context(), l, event("writing"))
		if err := l.Append([]byte(lineOf(t, "huge", 0, maxBatch)), nil); err != nil {
			t.Fatal(err)
		}
		late, stop := context.WithCancel(t.Context())
		given := begin(late, l, event("given up"))
		patient := begin(t.Context(), l, event("patient"))
		if err := l.Append(mustLine(t, event("change")), nil); err != nil {
			t.Errorf("a change was not taken: %v", err)
		}
		stop()
		if err := <-given; !errors.Is(err, context.Canceled) {
			t.Errorf("given up: %v", err)
		}
		wantPending(t, patient)
		h.letAll()
		if err := <-patient; err != nil {
			t.Error(err)
		}
		closeLog(t, l)
		if got, want := ids(t, d.data), []string{"writing", "huge", "change", "patient"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
