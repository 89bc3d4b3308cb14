package store_test

import (
	"errors"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

func ages() store.Table[int] { return store.Table[int]{Prefix: "ages", Codec: store.JSON[int]()} }

// grown are people whose ages may be records of their own.
func grown() store.Joined[person, int] {
	return store.Joined[person, int]{
		First: people(), Second: ages(),
		Whole: func(p person) bool { return p.Age != 0 },
		Join: func(p person, age int) person {
			p.Age = max(p.Age, age)
			return p
		},
	}
}

func putGrown(t *testing.T, s *store.Store, path string, age int) {
	t.Helper()
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(people().Put(tx, path, person{Name: path}), ages().Put(tx, path, age))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A whole record is read in one round trip, from memory if it can, and never older than its second part.
func TestJoined(t *testing.T) {
	b := &tripping{Backend: memory.New()}
	s := store.New(b, newAEAD(t))
	want := func(age, trips int) {
		t.Helper()
		b.trips = 0
		p, ok, err := grown().Latest(t.Context(), s, "ann", nil)
		if p.Age != age || ok != (age > 0) || err != nil || b.trips != trips {
			t.Errorf("%+v, %v, %v after %d round trips; want %d after %d", p, ok, err, b.trips, age, trips)
		}
	}
	want(0, 1)
	want(0, 1) // an absent record is not kept
	putGrown(t, s, "ann", 30)
	want(30, 1)
	want(30, 0)
	// The cache of the whole record is not the cache of its first part, nor the other way round.
	if p, _, err := people().Latest(t.Context(), s, "ann", nil); p.Age != 0 || err != nil {
		t.Errorf("the first part alone is %+v, %v", p, err)
	}
	want(30, 1)
	putGrown(t, s, "ann", 31)
	want(31, 1)
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		b.trips = 0
		if p, _, err := grown().Get(tx, "ann"); p.Age != 31 || b.trips != 1 || err != nil {
			t.Errorf("in a transaction: %+v after %d round trips, %v", p, b.trips, err)
		}
		err := errors.Join(people().Put(tx, "ann", person{Name: "ann"}), ages().Put(tx, "ann", 32))
		if p, _, err := grown().Get(tx, "ann"); p.Age != 32 || err != nil {
			t.Errorf("after its own write: %+v, %v", p, err)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	want(32, 0) // memory has what the transaction wrote
	putGrown(t, s, "ann", 33)
	want(33, 1)
}

// A transaction that read a whole record conflicts with a change of its second part, and checks one record.
func TestJoinedIsCheckedByItsFirstPart(t *testing.T) {
	s, b := newStore(t)
	putGrown(t, s, "ann", 30)
	runs := 0
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		p, _, err := grown().Get(tx, "ann")
		if err != nil {
			return err
		}
		if runs++; runs == 1 {
			putGrown(t, s, "ann", 31)
		}
		return people().Put(tx, "bob", person{Age: p.Age})
	})
	if bob, _, _ := people().Latest(t.Context(), s, "bob", nil); runs != 2 || bob.Age != 31 || err != nil {
		t.Errorf("%d runs, %+v, %v", runs, bob, err)
	}
	plant(t, b, "ages/ann", []byte("damaged"))
	_, _, err = grown().Latest(t.Context(), store.New(b, newAEAD(t)), "ann", nil)
	if corrupt, ok := errors.AsType[*store.CorruptError](err); !ok || corrupt.Path != "ages/ann" {
		t.Errorf("a second part that does not open: %v", err)
	}
	plant(t, b, "ages/ann", nil)
	_, ok, err := grown().Latest(t.Context(), store.New(b, newAEAD(t)), "ann", nil)
	if corrupt, is := errors.AsType[*store.CorruptError](err); ok || !is || corrupt.Path != "ages/ann" {
		t.Errorf("without its second part: %v, %v", ok, err)
	}
}

// A record can lose its second part, and get one again.
func TestJoinedWithoutSecondPart(t *testing.T) {
	b := &tripping{Backend: memory.New()}
	s := store.New(b, newAEAD(t))
	puts := func(fn func(*store.Tx) error) {
		t.Helper()
		if err := s.Update(t.Context(), fn); err != nil {
			t.Fatal(err)
		}
	}
	want := func(age, trips int) {
		t.Helper()
		b.trips = 0
		p, ok, err := grown().Latest(t.Context(), s, "ann", nil)
		if p.Age != age || !ok || err != nil || b.trips != trips {
			t.Errorf("%+v, %v, %v after %d round trips; want %d after %d", p, ok, err, b.trips, age, trips)
		}
	}
	puts(func(tx *store.Tx) error { return people().Put(tx, "ann", person{Age: 30}) })
	want(30, 1)
	want(30, 0)
	puts(func(tx *store.Tx) error {
		p, _, err := grown().Get(tx, "ann")
		return errors.Join(err, people().Put(tx, "ann", person{}), ages().Put(tx, "ann", p.Age+1))
	})
	want(31, 0)
	puts(func(tx *store.Tx) error {
		p, _, err := grown().Get(tx, "ann")
		return errors.Join(err, people().Put(tx, "ann", person{Age: p.Age + 1}), ages().Delete(tx, "ann"))
	})
	want(32, 0)
	if p, ok, err := grown().Newest(t.Context(), s, "ann", nil); p.Age != 32 || !ok || err != nil {
		t.Errorf("from the Backend: %+v, %v, %v", p, ok, err)
	}
}
