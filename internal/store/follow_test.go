package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// A foreign Backend is on an engine that other programs use too: watchers are told their revisions without keys.
type foreign struct{ store.Backend }

func (b foreign) Watch(ctx context.Context, after int64, fn func(store.Change) error) error {
	return b.Backend.Watch(ctx, after, func(c store.Change) error {
		if strings.HasPrefix(string(c.Keys[0]), "foreign") {
			c.Keys = nil
		}
		return fn(c)
	})
}

// A pair is two Stores on one Backend. Only the second one follows it, behind an unreliable network.
type pair struct {
	*testing.T
	db     *memory.DB
	calls  *observedBackend // of b
	faults *storetest.Faulty
	opens  *atomic.Int64 // values that b has opened
	a, b   *store.Store
	told   []string // paths and "all", as the listener of b was told
	ended  chan error
}

// A sharedSealer counts the values that it opens for several goroutines.
type sharedSealer struct {
	store.Sealer
	opens *atomic.Int64
}

func (s sharedSealer) Open(path, sealed []byte) ([]byte, error) {
	s.opens.Add(1)
	return s.Sealer.Open(path, sealed)
}

// inPair runs fn in a bubble of package synctest.
func inPair(t *testing.T, fn func(p *pair)) {
	synctest.Test(t, func(t *testing.T) {
		p := &pair{T: t, db: memory.New(), ended: make(chan error, 1)}
		p.calls = &observedBackend{Backend: foreign{p.db}}
		p.faults = &storetest.Faulty{Backend: p.calls}
		sealer := newAEAD(t)
		p.opens = new(atomic.Int64)
		p.a, p.b = store.NewShared(p.db, sealer), store.NewShared(p.faults, sharedSealer{sealer, p.opens})
		ctx, cancel := context.WithCancel(t.Context())
		p.b.OnChange(func(rev int64, paths []string) {
			if p.b.Told() >= rev && paths != nil {
				t.Errorf("the listener was told %d after Told returned %d", rev, p.b.Told())
			}
			if paths == nil {
				paths = []string{"all"}
			}
			p.told = append(p.told, paths...)
		})
		p.put("a/1", 1)
		go func() { p.ended <- p.b.Follow(ctx) }()
		synctest.Wait()
		fn(p)
		cancel()
		synctest.Wait()
		if len(p.ended) == 0 {
			t.Error("Follow did not end")
		}
	})
}

// put writes a person through a.
func (p *pair) put(path string, age int) {
	p.Helper()
	err := p.a.Update(p.Context(), func(tx *store.Tx) error { return people().Put(tx, path, person{Age: age}) })
	if err != nil {
		p.Fatal(err)
	}
}

// foreign commits a record of another program.
func (p *pair) foreign() {
	p.Helper()
	_, err := p.db.Commit(p.Context(), store.Batch{Writes: []store.Write{{Key: []byte("foreign"), Value: []byte{1}}}})
	if err != nil {
		p.Fatal(err)
	}
}

// wait lets time pass.
func (p *pair) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (p *pair) wantFresh(want bool, when string) {
	p.Helper()
	if got := p.b.Fresh(time.Now()); got != want {
		p.Errorf("%s: fresh %v, as of %v ago", when, got, time.Since(p.b.FreshAsOf()))
	}
}

func (p *pair) wantAge(want int, when string) {
	p.Helper()
	if got := age(p.T, p.b, "a/1"); got != want {
		p.Errorf("%s: age %d, want %d", when, got, want)
	}
}

// The newest revision that a Store has seen is not older than what its feed has told.
func TestToldIsSeen(t *testing.T) {
	inPair(t, func(p *pair) {
		p.put("a/1", 2)
		synctest.Wait()
		if told, seen := p.b.Told(), p.b.Revision(); told != p.a.Revision() || seen < told {
			p.Errorf("told %d, seen %d, and the other Store is at %d", told, seen, p.a.Revision())
		}
	})
}

// A Store that follows the Backend drops what another Store changes. A Store that does not follow keeps it.
func TestFollow(t *testing.T) {
	inPair(t, func(p *pair) {
		p.wantAge(1, "at first")
		p.wantFresh(true, "at first")
		p.put("a/1", 2)
		synctest.Wait()
		p.wantAge(2, "after a change")
		if p.b.Told() != p.a.Revision() {
			t.Errorf("told %d, want %d", p.b.Told(), p.a.Revision())
		}
		if !slices.Equal(p.told, []string{"all", "people/a/1"}) {
			t.Errorf("the listener was told %q", p.told)
		}
		if got := age(t, p.a, "a/1"); got != 2 || p.a.Told() != 0 || p.a.Fresh(time.Now()) {
			t.Errorf("the Store that does not follow is at %d, told %d", got, p.a.Told())
		}
		for range 100 {
			p.wait(99 * time.Millisecond)
			if old := time.Since(p.b.FreshAsOf()); old > 250*time.Millisecond {
				t.Fatalf("fresh as of %v ago", old)
			}
		}
	})
}

// A Store that only this process commits to is always fresh.
func TestUnshared(t *testing.T) {
	s := store.New(memory.New(), newAEAD(t))
	if err := s.Update(t.Context(), putAll("a/1")); err != nil {
		t.Fatal(err)
	}
	if s.Shared() || s.Told() != s.Revision() || s.Told() == 0 || !s.Fresh(time.Now().Add(time.Hour)) {
		t.Errorf("told %d of %d", s.Told(), s.Revision())
	}
	if err := s.AwaitTold(t.Context(), s.Revision()+1); err != nil {
		t.Error(err)
	}
}

// After any fault of the feed, a Store knows that its memory may be stale, and its next reads are new.
func TestFollowWithFaults(t *testing.T) {
	for _, test := range []struct {
		name    string
		begin   func(p *pair)
		end     func(p *pair)
		stale   bool // for as long as the fault lasts
		dropped bool // the Store drops everything during the fault
	}{
		{"silent watch", func(p *pair) { p.faults.SilenceWatches(true) }, func(p *pair) { p.faults.SilenceWatches(false) }, false, true},
		{"silent watch and cut", func(p *pair) { p.faults.SilenceWatches(true); p.faults.Cut(true) },
			func(p *pair) { p.faults.SilenceWatches(false); p.faults.Cut(false) }, true, false},
		{"paused", func(p *pair) { p.faults.SilenceWatches(true); p.faults.Pause() },
			func(p *pair) { p.faults.SilenceWatches(false); p.faults.Resume() }, true, false},
		{"broken", func(p *pair) { p.faults.Break(errors.New("the connection broke")) }, func(*pair) {}, false, true},
		{"broken and cut", func(p *pair) { p.faults.Cut(true); p.faults.Break(storetest.ErrCut) },
			func(p *pair) { p.faults.Cut(false) }, true, false},
		{"compacted", func(p *pair) { p.faults.Break(store.ErrCompacted) }, func(*pair) {}, false, true},
		{"lost progress", func(p *pair) { p.faults.LoseProgress(true) }, func(p *pair) { p.faults.LoseProgress(false) }, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			inPair(t, func(p *pair) {
				p.wantAge(1, "at first")
				p.told = nil
				test.begin(p)
				p.put("a/1", 2)
				p.foreign()
				p.wait(1100 * time.Millisecond)
				if test.stale {
					p.wantFresh(false, "during the fault")
				} else {
					p.wait(1500 * time.Millisecond)
					p.wantAge(2, "after the Store watched again")
				}
				if got := slices.Contains(p.told, "all"); got != test.dropped {
					t.Errorf("dropped everything: %v", got)
				}
				test.end(p)
				p.wait(2 * time.Second)
				p.wantFresh(true, "after the fault")
				p.wantAge(2, "after the fault")
				p.put("a/1", 3)
				synctest.Wait()
				p.wantAge(3, "when the feed works again")
			})
		})
	}
}

// A memory that is fresh is never older than a second: under any fault, what Latest returns while Fresh is true was
// the newest at the time that FreshAsOf returns.
func TestFreshMeansFresh(t *testing.T) {
	inPair(t, func(p *pair) {
		written := map[int]time.Time{1: time.Now()} // when each age was replaced is when the next was written
		faults := []func(){
			func() { p.faults.SilenceWatches(true) }, func() { p.faults.Pause() }, func() { p.faults.Resume() },
			func() { p.faults.SilenceWatches(false) }, func() { p.faults.Break(store.ErrCompacted) },
			func() { p.faults.Cut(true) }, func() { p.faults.Cut(false) },
		}
		fresh := 0
		for i := 2; i < 200; i++ {
			if i%7 == 0 {
				faults[i/7%len(faults)]()
			}
			p.put("a/1", i)
			written[i] = time.Now()
			p.wait(time.Duration(i*37%400) * time.Millisecond)
			asOf, now := p.b.FreshAsOf(), time.Now()
			if !p.b.Fresh(now) {
				continue
			}
			fresh++
			ctx, cancel := context.WithTimeout(p.Context(), 0)
			got, ok, err := people().Latest(ctx, p.b, "a/1", nil) // from memory only
			cancel()
			if err != nil || !ok {
				continue
			}
			if next, replaced := written[got.Age+1]; replaced && next.Before(asOf) {
				t.Errorf("age %d was replaced %v before the time as of which memory is fresh", got.Age, asOf.Sub(next))
			}
		}
		if fresh < 20 {
			t.Errorf("fresh only %d times", fresh)
		}
		p.faults.Cut(false)
		p.faults.Resume()
		p.faults.SilenceWatches(false)
		p.wait(time.Second)
	})
}

// A record that was read before a change is not cached after the change was told, and does not replace a newer one.
func TestOldReadsAreNotKept(t *testing.T) {
	inPair(t, func(p *pair) {
		err := p.b.View(p.Context(), func(v *store.View) error {
			p.put("a/1", 2)
			synctest.Wait()
			_, err := people().ScanKept(v, "", "", 10)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		p.wantAge(2, "after a slow View")
		p.faults.SilenceWatches(true)
		err = p.b.View(p.Context(), func(v *store.View) error {
			p.put("a/1", 3)
			if got, _, err := people().Newest(p.Context(), p.b, "a/1", nil); err != nil || got.Age != 3 {
				t.Errorf("%v, %v", got, err)
			}
			_, err := people().ScanKept(v, "", "", 10)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		p.wantAge(3, "although the feed is silent")
		p.faults.SilenceWatches(false)
	})
}

// rewinding is a Backend that is replaced by another one.
type rewinding struct {
	store.Backend
	older store.Backend // from then on
}

func (b *rewinding) View(ctx context.Context, fn func(store.Reader) error) error {
	if b.older != nil {
		return b.older.View(ctx, fn)
	}
	return b.Backend.View(ctx, fn)
}

// A Store whose Backend loses changes refuses everything, for good.
func TestRewound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &rewinding{Backend: memory.NewAt(100)}
		s := store.NewShared(b, newAEAD(t))
		ended := make(chan error, 1)
		go func() { ended <- s.Follow(t.Context()) }()
		if err := s.Update(t.Context(), putAll("a/1")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if !s.Fresh(time.Now()) {
			t.Error("not fresh")
		}
		b.older = memory.NewAt(100)
		time.Sleep(time.Second)
		if err := <-ended; !errors.Is(err, store.ErrRewound) || s.Fresh(time.Now()) {
			t.Errorf("%v, fresh: %v", err, s.Fresh(time.Now()))
		}
		b.older = nil
		if err := s.Update(t.Context(), putAll("a/2")); !errors.Is(err, store.ErrRewound) {
			t.Errorf("a change after it: %v", err)
		}
		if _, _, err := people().Newest(t.Context(), s, "a/1", nil); !errors.Is(err, store.ErrRewound) {
			t.Errorf("a read after it: %v", err)
		}
	})
	unshared := &rewinding{Backend: memory.NewAt(100)}
	s := store.New(unshared, newAEAD(t))
	if err := s.Update(t.Context(), putAll("a/1")); err != nil {
		t.Fatal(err)
	}
	unshared.older = memory.NewAt(100)
	if got := age(t, s, "a/2"); got != -1 {
		t.Errorf("age %d", got)
	}
}

// Stores that share a Backend keep a quota together, once their feeds have told, and count again what others deleted.
func TestSharedQuota(t *testing.T) {
	inPair(t, func(p *pair) {
		for _, s := range []*store.Store{p.a, p.b} {
			s.Limit(store.Quota{Name: "people", Prefix: "people", Depth: 1, Limit: 5})
		}
		add := func(path string) error { return p.b.Update(p.Context(), putAll(path)) }
		if err := add("a/2"); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"a/3", "a/4", "a/5"} {
			p.put(path, 1)
		}
		synctest.Wait()
		if err := add("a/6"); !isFull(err) {
			t.Errorf("beyond the quota: %v", err)
		}
		for range 10 {
			p.put("a/3", 2) // creates nothing
		}
		if err := p.a.Update(p.Context(), func(tx *store.Tx) error { return people().Delete(tx, "a/3") }); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := add("a/6"); err != nil {
			t.Errorf("after a deletion: %v", err)
		}
		if err := add("a/7"); !isFull(err) {
			t.Errorf("beyond the quota again: %v", err)
		}
		if err := p.b.Update(p.Context(), func(tx *store.Tx) error { return people().Delete(tx, "a/6") }); err != nil {
			t.Fatal(err)
		}
		p.faults.Break(store.ErrCompacted)
		p.put("a/8", 1)
		p.wait(time.Second)
		if err := add("a/9"); !isFull(err) {
			t.Errorf("after a feed that lost a change: %v", err)
		}
	})
}
