package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// An observedBackend counts Views, and calls hooks in the middle of a View or Commit.
type observedBackend struct {
	store.Backend
	views     atomic.Int64
	viewing   func() // called when a View has its revision
	committed func() // called when a commit is visible but has not returned
}

func (o *observedBackend) View(ctx context.Context, fn func(store.Reader) error) error {
	o.views.Add(1)
	return o.Backend.View(ctx, func(r store.Reader) error {
		if hook := o.viewing; hook != nil {
			o.viewing = nil
			hook()
		}
		return fn(r)
	})
}

func (o *observedBackend) Commit(ctx context.Context, b store.Batch) (int64, error) {
	rev, err := o.Backend.Commit(ctx, b)
	if hook := o.committed; hook != nil {
		o.committed = nil
		hook()
	}
	return rev, err
}

func newObserved(t *testing.T) (*store.Store, *observedBackend) {
	t.Helper()
	o := &observedBackend{Backend: memory.New()}
	t.Cleanup(func() { o.Close() })
	return store.New(o, newAEAD(t)), o
}

// age returns the age of a person, or -1 if the record is absent.
func age(t *testing.T, s *store.Store, path string) int {
	t.Helper()
	p, ok, err := people().Latest(t.Context(), s, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return -1
	}
	return p.Age
}

func setAge(t *testing.T, s *store.Store, path string, age int) {
	t.Helper()
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		if age < 0 {
			return people().Delete(tx, path)
		}
		return people().Put(tx, path, person{path, age})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLatest(t *testing.T) {
	s, o := newObserved(t)
	want := func(when string, want, views int) {
		t.Helper()
		before := o.views.Load()
		if got := age(t, s, "ann"); got != want || o.views.Load()-before != int64(views) {
			t.Errorf("%s: %d in %d views, want %d in %d", when, got, o.views.Load()-before, want, views)
		}
	}
	want("absent", -1, 1)
	want("absent, which is not kept", -1, 1)
	setAge(t, s, "ann", 1)
	want("new", 1, 1)
	want("cached", 1, 0)
	setAge(t, s, "bob", 9)
	want("after another commit", 1, 0)
	setAge(t, s, "ann", 2)
	want("changed", 2, 1)
	want("cached again", 2, 0)
	setAge(t, s, "ann", -1)
	want("deleted", -1, 1)
	if s.Revision() != 4 {
		t.Errorf("revision %d", s.Revision())
	}
	if _, _, err := (store.Table[person]{}).Latest(t.Context(), s, "ann", nil); err == nil {
		t.Error("a table without a prefix")
	}
}

// Once anybody has seen a commit, Latest does not return older records.
func TestLatestDuringACommit(t *testing.T) {
	s, o := newObserved(t)
	setAge(t, s, "ann", 1)
	age(t, s, "ann") // adds the record to the cache
	o.committed = func() {
		for range 2 {
			if got := age(t, s, "ann"); got != 2 {
				t.Errorf("%d, after the commit was seen", got)
			}
		}
	}
	setAge(t, s, "ann", 2)
	if got := age(t, s, "ann"); got != 2 {
		t.Errorf("%d, after the commit was answered", got)
	}
}

// A record that was read before a commit does not enter the cache after it.
func TestLatestBeforeACommit(t *testing.T) {
	s, o := newObserved(t)
	setAge(t, s, "ann", 1)
	o.viewing = func() { setAge(t, s, "ann", 2) }
	if got := age(t, s, "ann"); got != 1 {
		t.Errorf("a View that began before the commit saw %d", got)
	}
	if got := age(t, s, "ann"); got != 2 {
		t.Errorf("%d, after the commit was answered", got)
	}
}

func TestLatestOfWhatDoesNotOpen(t *testing.T) {
	s, db := newStore(t)
	plant(t, db, "people/ann", []byte("secret"))
	for range 2 {
		if _, ok, err := people().Latest(t.Context(), s, "ann", nil); ok || !corrupt(err, "people/ann") {
			t.Errorf("%v, %v", ok, err)
		}
	}
}

// The memory of the cache is bounded, however large the records are.
func TestLatestIsBounded(t *testing.T) {
	s, o := newObserved(t)
	long := strings.Repeat("x", 200<<10)
	const records = 500 // 100 MB
	for i := range records {
		err := s.Update(t.Context(), func(tx *store.Tx) error { return people().Put(tx, fmt.Sprint(i), person{long, i}) })
		if err != nil {
			t.Fatal(err)
		}
		age(t, s, fmt.Sprint(i))
	}
	before := o.views.Load()
	for i := range records {
		if got := age(t, s, fmt.Sprint(i)); got != i {
			t.Errorf("%d is %d", i, got)
		}
	}
	if read := o.views.Load() - before; read < records/5 || read > records*9/10 {
		t.Errorf("%d of %d records were read again", read, records)
	}
}

// No reader ever sees a counter decrease that only grows.
func TestLatestNeverGoesBack(t *testing.T) {
	s, _ := newStore(t)
	setAge(t, s, "ann", 0)
	var acknowledged atomic.Int64
	var all sync.WaitGroup
	const last = 2000
	all.Go(func() {
		for i := 1; i <= last; i++ {
			setAge(t, s, "ann", i)
			acknowledged.Store(int64(i))
		}
	})
	for range 4 {
		all.Go(func() {
			for seen := 0; seen < last; {
				least := max(seen, int(acknowledged.Load()))
				if rand.IntN(2) == 0 {
					seen = age(t, s, "ann")
				} else {
					s.View(t.Context(), func(v *store.View) error {
						p, _, err := people().Get(v, "ann")
						seen = p.Age
						return err
					})
				}
				if seen < least {
					t.Errorf("%d after %d", seen, least)
					return
				}
			}
		})
	}
	all.Wait()
}
