package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

func newLimitedStore(t *testing.T, b store.Backend, limit int) *store.Store {
	s := store.New(b, newAEAD(t))
	s.Limit(store.Quota{Name: "people", Prefix: "people", Depth: 1, Limit: limit})
	return s
}

func change(s *store.Store, ctx context.Context, fn func(tx *store.Tx) error) error {
	return s.Update(ctx, fn)
}

func putAll(paths ...string) func(tx *store.Tx) error {
	return func(tx *store.Tx) (err error) {
		for _, path := range paths {
			err = errors.Join(err, people().Put(tx, path, person{Name: path}))
		}
		return err
	}
}

func deleteAll(paths ...string) func(tx *store.Tx) error {
	return func(tx *store.Tx) (err error) {
		for _, path := range paths {
			err = errors.Join(err, people().Delete(tx, path))
		}
		return err
	}
}

func isFull(err error) bool {
	_, ok := errors.AsType[*store.QuotaError](err)
	return ok
}

func TestQuota(t *testing.T) {
	s := newLimitedStore(t, memory.New(), 3)
	for i, step := range []struct {
		fn   func(tx *store.Tx) error
		full bool
	}{
		{putAll("a/1", "a/2"), false},
		{putAll("a/1", "a/2"), false}, // replaces existing records
		{putAll("a/3", "a/4"), true},  // all or nothing
		{putAll("b/1", "b/2", "b/3"), false},
		{putAll("b/4", "a/3"), true},
		{putAll("a/3"), false},
		{putAll("a/4"), true},
		{deleteAll("a/9"), false}, // never existed
		{putAll("a/4"), true},
		{deleteAll("a/1", "b/1"), false},
		{putAll("a/4", "b/4"), false},
		{putAll("a/5"), true},
		{func(tx *store.Tx) error { return errors.Join(deleteAll("a/2")(tx), putAll("a/5")(tx)) }, false},
		{putAll("a/6"), true},
	} {
		if err := change(s, t.Context(), step.fn); isFull(err) != step.full || !step.full && err != nil {
			t.Errorf("step %d: %v, want a full quota: %v", i, err, step.full)
		}
	}
	if err := people().Room(t.Context(), s, "a/7"); !isFull(err) {
		t.Errorf("room in a full scope: %v", err)
	}
	if err := people().Room(t.Context(), s, "c/1"); err != nil {
		t.Error(err)
	}
}

// A scope is counted once, including records from before the Store was opened, whatever their values.
func TestQuotaCountsWhatIsThere(t *testing.T) {
	db := memory.New()
	before := store.New(db, newAEAD(t))
	for i := range 2500 {
		put(t, before, fmt.Sprintf("a/%d", i), fmt.Sprintf("ab/%d", i))
	}
	plant(t, db, "people/a/damaged", []byte("does not open"))
	o := &observedBackend{Backend: db}
	s := newLimitedStore(t, o, 2502)
	if err := change(s, t.Context(), deleteAll("a/0")); err != nil {
		t.Fatal(err)
	}
	for i, full := range []bool{false, false, true, true} {
		if err := change(s, t.Context(), putAll(fmt.Sprintf("a/new%d", i))); isFull(err) != full {
			t.Errorf("number %d: %v", i, err)
		}
		if n := o.views.Load(); i > 0 && n != 1 {
			t.Errorf("number %d took %d Views, want 1: the scope is counted already", i, n)
		}
		o.views.Store(0)
	}
}

// A record whose deletion is committed but not yet returned is not subtracted twice if its scope is counted in
// between.
func TestQuotaCountsDuringARemoval(t *testing.T) {
	db := memory.New()
	put(t, store.New(db, newAEAD(t)), "a/1", "a/2")
	o := &observedBackend{Backend: db}
	s := newLimitedStore(t, o, 2)
	o.committed = func() {
		if err := change(s, t.Context(), putAll("a/3")); err != nil {
			t.Error(err)
		}
	}
	if err := change(s, t.Context(), deleteAll("a/1")); err != nil {
		t.Fatal(err)
	}
	if err := change(s, t.Context(), putAll("a/4")); !isFull(err) {
		t.Errorf("a third record with a quota of 2: %v", err)
	}
}

// A failed commit gives back its reservation.
func TestQuotaAfterConflicts(t *testing.T) {
	s := newLimitedStore(t, memory.New(), 1)
	put(t, s, "guard/1")
	for range 3 {
		err := change(s, t.Context(), func(tx *store.Tx) error {
			if _, _, err := people().Get(tx, "guard/1"); err != nil {
				return err
			}
			put(t, s, "guard/1") // makes the commit conflict
			return putAll("a/1")(tx)
		})
		if !errors.Is(err, store.ErrConflict) {
			t.Fatal(err)
		}
	}
	if err := change(s, t.Context(), putAll("a/1")); err != nil {
		t.Error(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := change(s, stopped, putAll("b/1")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := change(s, t.Context(), putAll("b/1")); err != nil {
		t.Error(err)
	}
}

// With any number of concurrent creations and deletions, there are never more records than the quota allows,
// and the final count in memory is the number of records.
func TestQuotaUnderConcurrency(t *testing.T) {
	const limit = 20
	db := memory.New()
	put(t, store.New(db, newAEAD(t)), "a/0", "a/1", "a/2")
	s := newLimitedStore(t, db, limit)
	count := func() (n int) {
		err := s.View(t.Context(), func(v *store.View) error {
			all, err := people().Scan(v, "a/", "", 1000)
			n = len(all)
			return err
		})
		if err != nil {
			t.Error(err)
		}
		return n
	}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 200 {
				path := fmt.Sprint("a/", rand.N(40))
				err := change(s, t.Context(), func(tx *store.Tx) error {
					_, there, err := people().Get(tx, path)
					if err != nil {
						return err
					}
					if there {
						return deleteAll(path)(tx)
					}
					return putAll(path)(tx)
				})
				if err != nil && !isFull(err) {
					t.Error(err)
				}
				if n := count(); n > limit {
					t.Errorf("%d records with a quota of %d", n, limit)
				}
			}
		})
	}
	group.Wait()
	there := count()
	for i := range limit - there {
		if err := change(s, t.Context(), putAll(fmt.Sprintf("a/more%d", i))); err != nil {
			t.Fatalf("%d of %d: %v", there+i, limit, err)
		}
	}
	if err := change(s, t.Context(), putAll("a/over")); !isFull(err) {
		t.Errorf("beyond the quota: %v", err)
	}
}

// A scanless Backend cannot list records.
type scanless struct{ store.Backend }

var errScan = errors.New("no scan")

func (b scanless) View(ctx context.Context, fn func(store.Reader) error) error {
	return b.Backend.View(ctx, func(r store.Reader) error { return fn(scanlessReader{r}) })
}

type scanlessReader struct{ store.Reader }

func (scanlessReader) Scan([]byte, []byte, int) ([]store.Item, error) { return nil, errScan }

// A record whose quota cannot be counted is not created.
func TestNoRecordWithoutACount(t *testing.T) {
	b := memory.New()
	if err := change(newLimitedStore(t, scanless{b}, 3), t.Context(), putAll("a/1")); !errors.Is(err, errScan) {
		t.Errorf("got %v", err)
	}
	if err := people().Room(t.Context(), newLimitedStore(t, scanless{b}, 3), "a/1"); !errors.Is(err, errScan) {
		t.Errorf("room: got %v", err)
	}
}

// A commit that the Backend refuses ends its reservation, so that the records are counted again after a commit of
// unknown outcome.
func TestReservationsEndWithTheirCommits(t *testing.T) {
	s := newLimitedStore(t, faults(memory.New(), storetest.Refused, storetest.Lost), 2)
	if err := change(s, t.Context(), putAll("a/1", "a/2")); !errors.Is(err, storetest.ErrCut) {
		t.Fatal(err)
	}
	doubt, err := s.UpdateOnce(t.Context(), putAll("a/1"))
	if !errors.Is(err, store.ErrUnknown) {
		t.Fatal(err)
	}
	doubt.Resolved()
	if err := change(s, t.Context(), putAll("a/1", "a/2")); err != nil {
		t.Errorf("two records with a quota of 2: %v", err)
	}
}
