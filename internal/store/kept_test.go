package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// updateAt runs a transaction of b whose first run reads memory, and returns the number of runs.
func (p *pair) updateAt(fn func(tx *store.Tx) error) (runs int, err error) {
	_, _, err = p.b.UpdateAt(p.Context(), func(tx *store.Tx) error {
		runs++
		return fn(tx)
	})
	return runs, err
}

// older adds a year to the age of a person, and returns the age that the last run has read.
func (p *pair) older(path string) (was, runs int) {
	p.Helper()
	runs, err := p.updateAt(func(tx *store.Tx) error {
		r, _, err := people().Get(tx, path)
		was = r.Age
		return errors.Join(err, people().Put(tx, path, person{Age: r.Age + 1}))
	})
	if err != nil {
		p.Error(err)
	}
	return was, runs
}

// views returns how many Views b has begun during fn.
func (p *pair) views(fn func()) int {
	before := p.calls.views.Load()
	fn()
	return int(p.calls.views.Load() - before)
}

// A transaction reads what the Store wrote or read before from memory, also after the feed has told the own commit.
func TestTransactionsReadMemory(t *testing.T) {
	inPair(t, func(p *pair) {
		t := p.T
		p.older("a/1")
		for i := range 3 {
			synctest.Wait()
			var was, runs int
			if views := p.views(func() { was, runs = p.older("a/1") }); was != 2+i || runs != 1 || views != 0 {
				t.Errorf("age %d after %d runs and %d Views", was, runs, views)
			}
		}
		if views := p.views(func() { p.wantAge(5, "after the commits") }); views != 0 {
			t.Errorf("Latest needs %d Views", views)
		}
	})
}

// A transaction does not open what the Store has written itself, and Latest does not either.
func TestOwnWritesAreKeptOpened(t *testing.T) {
	inPair(t, func(p *pair) {
		t := p.T
		opens := func(fn func()) int {
			before := p.opens.Load()
			fn()
			return int(p.opens.Load() - before)
		}
		if n := opens(func() { p.older("a/1") }); n != 1 {
			t.Errorf("a record of another Store was opened %d times", n)
		}
		if n := opens(func() { p.older("a/1"); p.wantAge(3, "after two commits"); p.older("a/1") }); n != 0 {
			t.Errorf("an own record was opened %d times", n)
		}
		p.put("a/1", 40)
		synctest.Wait()
		if n := opens(func() { p.wantAge(40, "of the other Store"); p.older("a/1") }); n == 0 {
			t.Error("the record of the other Store was not opened")
		}
	})
}

// A Store that is not shared does not open its own writes either, of records with one part and with two. It opens a
// record of another revision.
func TestOwnWritesOfTheOnlyStoreAreKeptOpened(t *testing.T) {
	db := memory.New()
	opened := &countingSealer{Sealer: newAEAD(t)}
	s := store.New(db, opened)
	older := func(want, opens int) {
		t.Helper()
		opened.opens = 0
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			one, _, err := people().Get(tx, "one")
			_, _, err2 := grown().Get(tx, "both")
			both, _, err3 := grown().Get(tx, "both") // the second Get opens nothing
			if one.Age != want || both.Age != want {
				t.Errorf("ages %d and %d, want %d", one.Age, both.Age, want)
			}
			return errors.Join(err, err2, err3, people().Put(tx, "one", person{Age: want + 1}),
				people().Put(tx, "both", person{}), ages().Put(tx, "both", want+1))
		})
		if err != nil || opened.opens != opens {
			t.Errorf("%d values were opened, want %d; %v", opened.opens, opens, err)
		}
	}
	older(0, 0)
	older(1, 0)
	older(2, 0)
	older(3, 0)
	putGrown(t, s, "both", 4) // without reading
	older(4, 2)
	first, second := readItem(t, db, "people/one").Value, readItem(t, db, "ages/both").Value
	older(5, 0)
	plant(t, db, "people/one", first)
	opened.opens = 0
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		one, _, err := people().Get(tx, "one")
		if one.Age != 5 || opened.opens != 1 {
			t.Errorf("age %d with %d values opened, want the planted record", one.Age, opened.opens)
		}
		return err
	})
	plant(t, db, "ages/both", second)
	err2 := s.Update(t.Context(), func(tx *store.Tx) error {
		both, _, err := grown().Get(tx, "both")
		if both.Age != 5 || opened.opens != 2 {
			t.Errorf("age %d with %d values opened, want the planted second part", both.Age, opened.opens)
		}
		return err
	})
	if err := errors.Join(err, err2); err != nil {
		t.Error(err)
	}
}

// Memory can be older than the Backend: then the commit is in conflict, or the run that read memory does not count.
func TestTransactionsDoNotTrustMemory(t *testing.T) {
	inPair(t, func(p *pair) {
		t := p.T
		p.older("a/1")
		p.older("a/1") // so memory has it
		synctest.Wait()
		stale := func() {
			p.faults.SilenceWatches(true)
			p.put("a/1", 40)
		}
		stale()
		if was, runs := p.older("a/1"); was != 40 || runs != 2 {
			t.Errorf("a change of %d after %d runs", was, runs)
		}
		p.put("a/1", 50)
		conflicts := 0
		runs, err := p.updateAt(func(tx *store.Tx) error {
			if r, _, err := people().Get(tx, "a/1"); err != nil || r.Age < 50 {
				return fmt.Errorf("not yet: %d, %v", r.Age, err)
			}
			if tx.Conflicted() {
				conflicts++
			}
			return people().Put(tx, "a/1", person{Age: 60})
		})
		if err != nil || runs != 2 || conflicts != 0 {
			t.Errorf("a refusal that is due to memory: %v after %d runs, %d after conflicts", err, runs, conflicts)
		}
		p.put("a/1", 70)
		wrote := false
		runs, err = p.updateAt(func(tx *store.Tx) error {
			r, _, err := people().Get(tx, "a/1")
			if wrote = r.Age == 70; wrote {
				return people().Put(tx, "a/1", person{Age: 80})
			}
			return err
		})
		if err != nil || runs != 2 || !wrote {
			t.Errorf("a run that found nothing to do in memory: %v after %d runs, wrote %v", err, runs, wrote)
		}
	})
}

// A Store that does not follow the Backend does not begin with its memory, nor does one whose feed has ended: a commit
// would be sent to a Backend that may not answer.
func TestTransactionsDoNotReadOldMemory(t *testing.T) {
	b := &observedBackend{Backend: memory.New()}
	s := store.NewShared(b, newAEAD(t))
	for i := range 3 {
		_, _, err := s.UpdateAt(t.Context(), func(tx *store.Tx) error {
			_, _, err := people().Get(tx, "ann")
			return errors.Join(err, people().Put(tx, "ann", person{Age: i}))
		})
		if views := b.views.Load(); err != nil || views != int64(i)+1 {
			t.Errorf("%d Views after %d transactions, %v", views, i+1, err)
		}
	}
}

// A read that one record covers needs one revision of all records.
func TestCoveredReadsNeedAView(t *testing.T) {
	inPair(t, func(p *pair) {
		t := p.T
		p.older("a/1")
		runs, err := p.updateAt(func(tx *store.Tx) error {
			v, err := people().Covered(tx, "a/1")
			if err != nil {
				return err
			}
			found, err := people().Scan(v, "", "", 10)
			if len(found) != 1 {
				t.Errorf("%d people", len(found))
			}
			return errors.Join(err, people().Put(tx, "a/2", person{}))
		})
		if err != nil || runs != 2 {
			t.Errorf("%v after %d runs", err, runs)
		}
	})
}

// Both parts of a Joined record come from one revision, whatever memory has of them.
func TestJoinedFromMemory(t *testing.T) {
	inPair(t, func(p *pair) {
		t := p.T
		putGrown(t, p.a, "ann", 30)
		grow := func(both bool) (age int) {
			_, err := p.updateAt(func(tx *store.Tx) error {
				r, _, err := grown().Get(tx, "ann")
				if age = r.Age; both {
					err = errors.Join(err, ages().Put(tx, "ann", age+1))
				}
				return errors.Join(err, people().Put(tx, "ann", person{Name: "ann"}))
			})
			if err != nil {
				t.Error(err)
			}
			return age
		}
		grow(true)
		synctest.Wait()
		for i, both := range []bool{false, true, true, false, true} {
			want := []int{31, 31, 32, 33, 33}[i]
			var age int
			if views := p.views(func() { age = grow(both) }); age != want || views != 0 {
				t.Errorf("%d: age %d after %d Views, want %d", i, age, views, want)
			}
			synctest.Wait()
		}
		if r, _, err := grown().Latest(t.Context(), p.b, "ann", nil); r.Age != 34 || err != nil {
			t.Errorf("at the end: %+v, %v", r, err)
		}
		for i, want := range []int{34, 35, 36} { // the second part goes, and stays away
			var age int
			views := p.views(func() {
				_, err := p.updateAt(func(tx *store.Tx) error {
					r, _, err := grown().Get(tx, "ann")
					age = r.Age
					return errors.Join(err, ages().Delete(tx, "ann"), people().Put(tx, "ann", person{Age: age + 1}))
				})
				if err != nil {
					t.Error(err)
				}
			})
			if age != want || views != 0 {
				t.Errorf("without the second part, %d: age %d after %d Views, want %d", i, age, views, want)
			}
			synctest.Wait()
		}
		p.faults.SilenceWatches(true)
		putGrown(t, p.a, "ann", 50)
		if age := grow(true); age != 50 {
			t.Errorf("with an old memory: %d", age)
		}
	})
}

// Two Stores that follow each other lose no change, and read no record whose parts differ, while both change it.
func TestTransactionsOfTwoStores(t *testing.T) {
	const changes = 300
	inPair(t, func(p *pair) {
		t := p.T
		ctx, cancel := context.WithCancel(t.Context())
		var following, all sync.WaitGroup
		following.Go(func() { _ = p.a.Follow(ctx) })
		synctest.Wait()
		putGrown(t, p.a, "ann", 0)
		for _, s := range []*store.Store{p.a, p.b, p.a, p.b} {
			all.Go(func() {
				for range changes {
					_, _, err := s.UpdateAt(t.Context(), func(tx *store.Tx) error {
						r, _, err := grown().Get(tx, "ann")
						return errors.Join(err, ages().Put(tx, "ann", r.Age+1),
							people().Put(tx, "ann", person{Name: fmt.Sprint(r.Age + 1)}))
					})
					if err != nil {
						t.Error(err)
						return
					}
					r, _, err := grown().Latest(t.Context(), s, "ann", nil)
					if err != nil || r.Name != fmt.Sprint(r.Age) {
						t.Errorf("%+v, %v", r, err)
						return
					}
				}
			})
		}
		all.Wait()
		if r, _, err := grown().Newest(t.Context(), p.a, "ann", nil); r.Age != 4*changes || err != nil {
			t.Errorf("%+v after %d changes, %v", r, 4*changes, err)
		}
		cancel()
		following.Wait()
	})
}

// UpdateAt of the only Store reads a View, and keeps the records opened, also after a refusal.
func TestReadsOfTheOnlyStoreAreKeptOpened(t *testing.T) {
	b, opened := &observedBackend{Backend: memory.New()}, &countingSealer{Sealer: newAEAD(t)}
	putGrown(t, store.New(b.Backend, opened.Sealer), "ann", 1) // by an earlier process
	s := store.New(b, opened)
	for i := range 3 {
		refused := errors.New("refused")
		_, _, err := s.UpdateAt(t.Context(), func(tx *store.Tx) error {
			both, _, err := grown().Get(tx, "ann")
			if both.Age != 1 {
				t.Errorf("age %d", both.Age)
			}
			return errors.Join(err, refused)
		})
		if views := b.views.Load(); !errors.Is(err, refused) || opened.opens != 2 || views != int64(i)+1 {
			t.Errorf("%d values were opened in %d Views, want both parts once; %v", opened.opens, views, err)
		}
	}
}

// An allSealer seals together, and can fail.
type allSealer struct {
	store.Sealer
	calls int
	err   error
}

func (s *allSealer) SealAll(paths, plaintexts [][]byte) (sealed [][]byte, err error) {
	s.calls++
	for i, path := range paths {
		one, err := s.Seal(path, plaintexts[i])
		if err != nil {
			return nil, err
		}
		sealed = append(sealed, one)
	}
	return sealed, s.err
}

// The values of a transaction are sealed together if the Sealer can, and not at all if none is written.
func TestValuesOfATransactionAreSealedTogether(t *testing.T) {
	sealer := &allSealer{Sealer: newAEAD(t)}
	s := store.New(memory.New(), sealer)
	update := func(fn func(tx *store.Tx) error) error { return s.Update(t.Context(), fn) }
	err := update(func(tx *store.Tx) error {
		return errors.Join(people().Put(tx, "a", person{Age: 1}), people().Delete(tx, "b"), people().Put(tx, "c", person{Age: 3}))
	})
	if err != nil || sealer.calls != 1 {
		t.Errorf("%d calls, %v", sealer.calls, err)
	}
	for path, want := range map[string]int{"a": 1, "b": 0, "c": 3} {
		if r, ok, err := people().Latest(t.Context(), s, path, nil); r.Age != want || ok != (want > 0) || err != nil {
			t.Errorf("%s: %+v, %v, %v", path, r, ok, err)
		}
	}
	if err := update(func(tx *store.Tx) error { return people().Delete(tx, "a") }); err != nil || sealer.calls != 1 {
		t.Errorf("a deletion: %d calls, %v", sealer.calls, err)
	}
	sealer.err = errors.New("cannot seal")
	if err := update(func(tx *store.Tx) error { return people().Put(tx, "d", person{}) }); !errors.Is(err, sealer.err) {
		t.Error(err)
	}
}

// Update, which works on all records, does not fill the memory of the only Store.
func TestUpdateOmitsWhatItReads(t *testing.T) {
	opened := &countingSealer{Sealer: newAEAD(t)}
	s := store.New(memory.New(), opened)
	putGrown(t, s, "ann", 1)
	for want := 2; want <= 4; want += 2 {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			_, _, err := grown().Get(tx, "ann")
			return err
		})
		if err != nil || opened.opens != want {
			t.Errorf("%d values were opened, want %d; %v", opened.opens, want, err)
		}
	}
}
