package storetest

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

// clear is a Sealer that does not encrypt. Like any Sealer, it opens a value only at the path for which it was
// sealed.
type clear struct{}

func (clear) Seal(path, plaintext []byte) ([]byte, error) {
	return append(append([]byte(nil), path...), plaintext...), nil
}

func (clear) Open(path, sealed []byte) ([]byte, error) {
	plain, ok := bytes.CutPrefix(sealed, path)
	if !ok {
		return nil, errors.New("sealed elsewhere")
	}
	return plain, nil
}

func counters() store.Table[int] {
	return store.Table[int]{Prefix: "counters", Codec: store.JSON[int]()}
}

// add adds n to a counter and returns its previous value.
func add(tx *store.Tx, name string, n int) (int, error) {
	old, _, err := counters().Get(tx, name)
	if err != nil {
		return 0, err
	}
	return old, counters().Put(tx, name, old+n)
}

func testNoLostUpdate(t *testing.T, b store.Backend) {
	const workers, rounds = 8, 25
	s := store.New(b, clear{})
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				err := s.Update(t.Context(), func(tx *store.Tx) error {
					_, err := add(tx, "shared", 1)
					return err
				})
				if err != nil {
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
	wg.Wait()
	err := s.View(t.Context(), func(v *store.View) error {
		n, _, err := counters().Get(v, "shared")
		if n != workers*rounds {
			t.Errorf("%d of %d increments are there", n, workers*rounds)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// Two transactions each read both counters, and may decrement one of them only if their sum is at least 1. Each
// of them is valid alone, but not both over the same revision.
func testNoWriteSkew(t *testing.T, b store.Backend) {
	s := store.New(b, clear{})
	take := func(from, other string, meanwhile func()) error {
		return s.Update(t.Context(), func(tx *store.Tx) error {
			a, _, err := counters().Get(tx, from)
			if err != nil {
				return err
			}
			b, _, err := counters().Get(tx, other)
			if err != nil || a+b < 1 {
				return err
			}
			meanwhile()
			return counters().Put(tx, from, a-1)
		})
	}
	if err := take("x", "y", func() {}); err != nil { // both counters are absent
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx *store.Tx) error { _, err := add(tx, "x", 1); return err }); err != nil {
		t.Fatal(err)
	}
	runs := 0
	err := take("x", "y", func() {
		if runs++; runs == 1 {
			if err := take("y", "x", func() {}); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(v *store.View) error {
		x, _, err := counters().Get(v, "x")
		y, hasY, err2 := counters().Get(v, "y")
		if x != 1 || y != -1 || !hasY || runs != 1 {
			t.Errorf("x is %d and y is %d after %d runs", x, y, runs)
		}
		return errors.Join(err, err2)
	})
	if err != nil {
		t.Error(err)
	}
}
