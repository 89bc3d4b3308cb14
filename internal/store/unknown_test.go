package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// faults returns a Backend whose next commits have these faults, and the others none.
func faults(b store.Backend, next ...storetest.Fault) *storetest.Faulty {
	return &storetest.Faulty{Backend: b, Next: func(store.Batch) (fault storetest.Fault, _ time.Duration) {
		if len(next) > 0 {
			fault, next = next[0], next[1:]
		}
		return fault, 0
	}}
}

// grow makes a person older, or creates one of age 1.
func grow(tx *store.Tx) error {
	p, _, err := people().Get(tx, "a/1")
	p.Age++
	return errors.Join(err, people().Put(tx, "a/1", p))
}

// Update runs again after an unknown outcome. A commit that comes late conflicts.
func TestUpdateAfterUnknownOutcomes(t *testing.T) {
	for _, test := range []struct {
		name   string
		faults []storetest.Fault
		err    error
		age    int
	}{
		{"not made", []storetest.Fault{storetest.Lost}, nil, 1},
		{"made", []storetest.Fault{storetest.Silent}, nil, 2}, // fn is not idempotent
		{"late", []storetest.Fault{storetest.Late}, nil, 1},
		{"late twice", []storetest.Fault{storetest.Late, storetest.Late}, nil, 1},
		{"never known", []storetest.Fault{storetest.Lost, storetest.Lost, storetest.Lost}, store.ErrUnknown, -1},
		{"another error after it", []storetest.Fault{storetest.Lost, storetest.Refused}, store.ErrUnknown, -1},
		{"another error", []storetest.Fault{storetest.Refused}, storetest.ErrCut, -1},
	} {
		f := faults(memory.New(), test.faults...)
		s := store.New(f, newAEAD(t))
		if err := s.Update(t.Context(), grow); !errors.Is(err, test.err) || errors.Is(err, store.ErrUnknown) && test.err == nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if made, err := f.Release(t.Context()); made != 0 || err != nil {
			t.Errorf("%s: %d commits came late, %v", test.name, made, err)
		}
		if got := age(t, s, "a/1"); got != test.age {
			t.Errorf("%s: age %d, want %d", test.name, got, test.age)
		}
	}
}

// Once Update has found out that a commit was not made, the record is cached again, and its quota has room.
func TestUpdateResolvesItsDoubts(t *testing.T) {
	b := &observedBackend{Backend: memory.New()}
	s := newLimitedStore(t, faults(b, storetest.Lost), 2)
	if err := s.Update(t.Context(), grow); err != nil {
		t.Fatal(err)
	}
	age(t, s, "a/1")
	before := b.views.Load()
	if got := age(t, s, "a/1"); got != 1 || b.views.Load() != before {
		t.Errorf("age %d after %d Views", got, b.views.Load()-before)
	}
	if err := s.Update(t.Context(), putAll("a/2")); err != nil {
		t.Errorf("a second record with a quota of 2: %v", err)
	}
	if err := s.Update(t.Context(), putAll("a/3")); !isFull(err) {
		t.Errorf("a third record with a quota of 2: %v", err)
	}
}

// A deletion of unknown outcome makes room once it is known that it was made.
func TestDoubtOfADeletion(t *testing.T) {
	f := faults(memory.New(), storetest.None, storetest.Silent)
	s := newLimitedStore(t, f, 2)
	if err := s.Update(t.Context(), putAll("a/1", "a/2")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		doubt, err := s.UpdateOnce(t.Context(), deleteAll("a/1"))
		if doubt != nil {
			doubt.Resolved()
		} else if err != nil {
			t.Fatal(err)
		}
		if err := s.Update(t.Context(), putAll("a/1")); err != nil {
			t.Errorf("in the place of a deleted record: %v", err)
		}
	}
	if err := s.Update(t.Context(), putAll("a/3")); !isFull(err) {
		t.Errorf("beyond the quota: %v", err)
	}
}

// A commit of unknown outcome that is made late is seen at once, although somebody read the record meanwhile, and
// is counted.
func TestDoubt(t *testing.T) {
	f := faults(memory.New(), storetest.None, storetest.Late, storetest.Lost)
	s := newLimitedStore(t, f, 2)
	if err := s.Update(t.Context(), grow); err != nil {
		t.Fatal(err)
	}
	late, err := s.UpdateOnce(t.Context(), grow)
	if late == nil || !errors.Is(err, store.ErrUnknown) {
		t.Fatal(late, err)
	}
	lost, err := s.UpdateOnce(t.Context(), putAll("a/2"))
	if lost == nil || !errors.Is(err, store.ErrUnknown) {
		t.Fatal(lost, err)
	}
	if doubt, err := s.UpdateOnce(t.Context(), putAll("a/3")); doubt != nil || !isFull(err) {
		t.Errorf("beyond the quota: %v", err)
	}
	if got := age(t, s, "a/1"); got != 1 {
		t.Errorf("the age is %d before the commit", got)
	}
	if made, err := f.Release(t.Context()); made != 1 || err != nil {
		t.Fatal(made, err)
	}
	if got := age(t, s, "a/1"); got != 2 {
		t.Errorf("the age is %d after the commit", got)
	}
	late.Resolved()
	lost.Resolved()
	if doubt, err := s.UpdateOnce(t.Context(), putAll("a/3")); doubt != nil || err != nil {
		t.Errorf("in the place of one that was not made: %v", err)
	}
	if doubt, err := s.UpdateOnce(t.Context(), putAll("a/4")); doubt != nil || !isFull(err) {
		t.Errorf("beyond the quota: %v", err)
	}
}

// While other commits are under way, the records are not counted again: the count would miss them.
func TestDoubtDuringOtherCommits(t *testing.T) {
	f := faults(memory.New(), storetest.Lost)
	s := newLimitedStore(t, f, 2)
	doubt, err := s.UpdateOnce(t.Context(), putAll("a/1"))
	if doubt == nil {
		t.Fatal(err)
	}
	f.Next = func(store.Batch) (storetest.Fault, time.Duration) {
		doubt.Resolved()
		if err := people().Room(t.Context(), s, "a/3"); !isFull(err) {
			t.Errorf("room for a third record: %v", err)
		}
		return storetest.None, 0
	}
	if err := s.Update(t.Context(), putAll("a/2")); err != nil {
		t.Fatal(err)
	}
	if err := people().Room(t.Context(), s, "a/3"); err != nil {
		t.Errorf("no room in the place of one that was not made: %v", err)
	}
}

// Update reads a newer revision in place of one that has disappeared. View reports it.
func TestViewsThatAreTooOld(t *testing.T) {
	old := 0
	f := &storetest.Faulty{Backend: memory.New(), TooOld: func() bool { old--; return old >= 0 }}
	s := store.New(f, newAEAD(t))
	old = 3
	if err := s.Update(t.Context(), grow); err != nil {
		t.Error(err)
	}
	old = 1
	err := s.View(t.Context(), func(v *store.View) error { _, _, err := people().Get(v, "a/1"); return err })
	if !errors.Is(err, store.ErrTooOld) {
		t.Errorf("View: %v", err)
	}
	if got := age(t, s, "a/1"); got != 1 {
		t.Errorf("the age is %d", got)
	}
}

func TestInsertAndExpect(t *testing.T) {
	s, db := newStore(t)
	insert := func(tx *store.Tx) error { return people().Insert(tx, "a/1", person{Age: 1}) }
	if err := s.Update(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), insert); !errors.Is(err, store.ErrConflict) {
		t.Errorf("inserted twice: %v", err)
	}
	rev := readItem(t, db, "people/a/1").Rev
	for expected, want := range map[int64]error{rev: nil, 0: store.ErrConflict, rev + 1: store.ErrConflict} {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			if got, err := people().Revision(tx, "a/1"); got != rev || err != nil {
				t.Errorf("revision %d, want %d, %v", got, rev, err)
			}
			return errors.Join(people().Expect(tx, "a/1", expected), people().Put(tx, "a/2", person{}))
		})
		if !errors.Is(err, want) {
			t.Errorf("expected revision %d: %v", expected, err)
		}
	}
}
