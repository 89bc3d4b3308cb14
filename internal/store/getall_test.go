package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A tripping Backend counts the round trips of its Views.
type tripping struct {
	store.Backend
	trips int
}

type trippingReader struct {
	store.Reader
	of *tripping
}

func (b *tripping) View(ctx context.Context, fn func(store.Reader) error) error {
	return b.Backend.View(ctx, func(r store.Reader) error { return fn(trippingReader{r, b}) })
}

func (r trippingReader) Get(keys ...[]byte) ([]store.Item, error) {
	r.of.trips++
	return r.Reader.Get(keys...)
}

// GetAll reads any number of records with one Get of the Backend for each MaxBatch records.
func TestGetAllIsOneRoundTrip(t *testing.T) {
	b := &tripping{Backend: memory.New()}
	s := store.New(b, newAEAD(t))
	var paths []string
	for i := range store.MaxBatch + 1 {
		paths = append(paths, fmt.Sprint(i))
	}
	put(t, s, paths[:2]...)
	check := func(from store.Getter, paths []string, want string, trips int) {
		t.Helper()
		b.trips = 0
		found, err := people().GetAll(from, paths...)
		if got := fmt.Sprint(found); err != nil || got != want || b.trips != trips {
			t.Errorf("%s with %d trips, %v; want %s with %d", got, b.trips, err, want, trips)
		}
	}
	const both = "map[0:{0 0} 1:{1 0}]"
	err := s.View(t.Context(), func(v *store.View) error {
		check(v, paths[:store.MaxBatch], both, 1)
		check(v, paths, both, 2)
		check(v, nil, "map[]", 0)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		check(tx, []string{"0", "5"}, "map[0:{0 0}]", 1)
		check(tx, []string{"0", "1", "5"}, both, 1)
		check(tx, []string{"0", "1", "5"}, both, 0) // which the Tx has read
		err := errors.Join(people().Delete(tx, "0"), people().Put(tx, "7", person{Name: "new"}))
		check(tx, []string{"0", "1", "7"}, "map[1:{1 0} 7:{new 0}]", 0)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A transaction conflicts with a change of each record that GetAll returned, and of each that was absent.
func TestGetAllIsChecked(t *testing.T) {
	s, _ := newStore(t)
	put(t, s, "ann", "bob")
	for _, changed := range []string{"ann", "bob", "carl"} {
		runs := 0
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			if _, err := people().GetAll(tx, "ann", "bob", "carl"); err != nil {
				return err
			}
			if runs++; runs == 1 {
				put(t, s, changed)
			}
			return people().Put(tx, "dora", person{})
		})
		if err != nil || runs != 2 {
			t.Errorf("after a change of %s: %d runs, %v", changed, runs, err)
		}
	}
}

func TestGetAllOfABadPath(t *testing.T) {
	s, b := newStore(t)
	plant(t, b, "people/bad", []byte("not sealed"))
	err := s.View(t.Context(), func(v *store.View) error {
		if _, err := people().GetAll(v, "ann", ""); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("an empty path: %v", err)
		}
		_, err := people().GetAll(v, "ann", "bad")
		return err
	})
	if corrupt, ok := errors.AsType[*store.CorruptError](err); !ok || corrupt.Path != "people/bad" {
		t.Errorf("a record that does not open: %v", err)
	}
}

// Fetch reads records of several tables in one round trip. A transaction checks those that it gets.
func TestFetch(t *testing.T) {
	b := &tripping{Backend: memory.New()}
	s := store.New(b, newAEAD(t))
	putGrown(t, s, "ann", 30)
	putGrown(t, s, "bob", 40)
	refs := append(grown().Refs("ann"), people().Ref("bob"), people().Ref("carl"))
	read := func(from store.Getter, trips int) {
		t.Helper()
		b.trips = 0
		err := store.Fetch(from, refs...)
		p, _, failed := grown().Get(from, "ann")
		_, ok, absent := people().Get(from, "carl")
		if err := errors.Join(err, failed, absent); err != nil || p.Age != 30 || ok || b.trips != trips {
			t.Errorf("%+v, %v, %v after %d round trips, not %d", p, ok, err, b.trips, trips)
		}
	}
	if err := s.View(t.Context(), func(v *store.View) error { read(v, 1); read(v, 0); return nil }); err != nil {
		t.Error(err)
	}
	for _, changed := range []string{"ann", "bob", "carl"} { // carl comes last, because the others expect no carl
		conflicts, runs := changed != "bob", 0
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			if runs++; runs == 1 {
				read(tx, 1)
				putGrown(t, s, changed, 30)
			} else if _, _, err := people().Get(tx, changed); err != nil {
				return err
			}
			return people().Put(tx, "dora", person{})
		})
		if err != nil || runs > 1 != conflicts {
			t.Errorf("after a change of %s: %d runs, %v", changed, runs, err)
		}
	}
}
