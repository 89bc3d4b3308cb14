package store_test

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// aead is the Sealer of these tests: AES-256-GCM under a fixed key.
type aead struct{ cipher.AEAD }

func newAEAD(t *testing.T) aead {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return aead{gcm}
}

func (a aead) Seal(path, plaintext []byte) ([]byte, error) {
	return a.AEAD.Seal(nil, nil, plaintext, path), nil
}

func (a aead) Open(path, sealed []byte) ([]byte, error) {
	return a.AEAD.Open(nil, nil, sealed, path)
}

type person struct {
	Name string `json:"name"`
	Age  int    `json:"age,omitzero"`
}

func people() store.Table[person] {
	return store.Table[person]{Prefix: "people", Codec: store.JSON[person]()}
}

var errMine = errors.New("mine")

// newStore returns a Store and its Backend.
func newStore(t *testing.T) (*store.Store, *memory.DB) {
	db := memory.New()
	t.Cleanup(func() { db.Close() })
	return store.New(db, newAEAD(t)), db
}

func put(t *testing.T, s *store.Store, paths ...string) {
	t.Helper()
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		for _, path := range paths {
			if err := people().Put(tx, path, person{Name: strings.ToValidUTF8(path, "?")}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// name returns the name in the record at path, and whether the record exists.
func name(t *testing.T, from store.Getter, path string) (string, bool) {
	t.Helper()
	p, ok, err := people().Get(from, path)
	if err != nil {
		t.Errorf("Get(%q): %v", path, err)
	}
	return p.Name, ok
}

// readItem returns the Backend's item at a full path.
func readItem(t *testing.T, b store.Backend, path string) (item store.Item) {
	t.Helper()
	err := b.View(t.Context(), func(r store.Reader) (err error) {
		item, err = store.ReadItem(r, []byte(path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func plant(t *testing.T, b store.Backend, path string, value []byte) {
	t.Helper()
	if _, err := b.Commit(t.Context(), store.Batch{Writes: []store.Write{{Key: []byte(path), Value: value}}}); err != nil {
		t.Fatal(err)
	}
}

func TestUpdateReadsItsOwnWrites(t *testing.T) {
	s, _ := newStore(t)
	put(t, s, "ann", "bob")
	check := func(from store.Getter, path, want string) {
		t.Helper()
		if got, ok := name(t, from, path); got != want || ok != (want != "") {
			t.Errorf("%s is %q, %v; want %q", path, got, ok, want)
		}
	}
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		err := errors.Join(
			people().Put(tx, "ann", person{Name: "Ann"}),
			people().Delete(tx, "bob"),
			people().Put(tx, "carl", person{Name: "Carl"}),
			people().Put(tx, "dora", person{Name: "Dora"}),
			people().Delete(tx, "dora"))
		check(tx, "ann", "Ann")
		check(tx, "bob", "")
		check(tx, "carl", "Carl")
		check(tx, "dora", "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(v *store.View) error {
		check(v, "ann", "Ann")
		check(v, "bob", "")
		check(v, "carl", "Carl")
		check(v, "dora", "")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUpdateWithErrorCommitsNothing(t *testing.T) {
	s, db := newStore(t)
	runs := 0
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		runs++
		if err := people().Put(tx, "ann", person{}); err != nil {
			t.Error(err)
		}
		return fmt.Errorf("%w: %w", errMine, store.ErrConflict) // an error of fn is not retried, even if it wraps ErrConflict
	})
	if !errors.Is(err, errMine) || runs != 1 {
		t.Errorf("got %v after %d runs", err, runs)
	}
	if item := readItem(t, db, "people/ann"); item.Rev != 0 {
		t.Errorf("committed %+v", item)
	}
}

// A conflictCounter is a Backend that counts commits and refuses the first few.
type conflictCounter struct {
	store.Backend
	batches  []store.Batch
	refusals int
}

func (c *conflictCounter) Commit(ctx context.Context, b store.Batch) (int64, error) {
	c.batches = append(c.batches, b)
	if len(c.batches) <= c.refusals {
		return 0, store.ErrConflict
	}
	return c.Backend.Commit(ctx, b)
}

func TestUpdateChecksWhatItRead(t *testing.T) {
	s, db := newStore(t)
	put(t, s, "read", "blind")
	c := &conflictCounter{Backend: db}
	err := store.New(c, newAEAD(t)).Update(t.Context(), func(tx *store.Tx) error {
		name(t, tx, "read")
		name(t, tx, "absent")
		return errors.Join(people().Delete(tx, "blind"), people().Put(tx, "b", person{}), people().Put(tx, "a", person{}))
	})
	if err != nil || len(c.batches) != 1 {
		t.Fatalf("%v after %d commits", err, len(c.batches))
	}
	checks := map[string]int64{}
	for _, check := range c.batches[0].Checks {
		checks[string(check.Key)] = check.Rev
	}
	if want := map[string]int64{"people/read": 1, "people/absent": 0}; fmt.Sprint(checks) != fmt.Sprint(want) {
		t.Errorf("checks %v, want %v", checks, want)
	}
	var written []string
	for _, w := range c.batches[0].Writes {
		written = append(written, string(w.Key))
	}
	if got := strings.Join(written, " "); got != "people/a people/b people/blind" {
		t.Errorf("writes %s", got)
	}
}

func TestUpdateThatWroteNothing(t *testing.T) {
	_, db := newStore(t)
	c := &conflictCounter{Backend: db}
	err := store.New(c, newAEAD(t)).Update(t.Context(), func(tx *store.Tx) error {
		name(t, tx, "ann")
		return nil
	})
	if err != nil || len(c.batches) != 0 {
		t.Errorf("%v, %d commits", err, len(c.batches))
	}
}

func TestUpdateRunsAgainOverFreshState(t *testing.T) {
	s, _ := newStore(t)
	put(t, s, "ann")
	var seen []string
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		got, _ := name(t, tx, "ann")
		if seen = append(seen, got); len(seen) == 1 {
			err := s.Update(t.Context(), func(tx *store.Tx) error { return people().Put(tx, "ann", person{Name: "new"}) })
			if err != nil {
				t.Error(err)
			}
			if again, _ := name(t, tx, "ann"); again != got {
				t.Errorf("one run read %q and then %q", got, again)
			}
		}
		return people().Put(tx, "ann", person{Name: got + "!"})
	})
	if err != nil || fmt.Sprint(seen) != "[ann new]" {
		t.Errorf("%v, runs over %v", err, seen)
	}
}

func TestUpdateGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, db := newStore(t)
		for _, test := range []struct {
			refusals, commits int
			want              error
		}{{63, 64, nil}, {64, 64, store.ErrConflict}} {
			c, start := &conflictCounter{Backend: db, refusals: test.refusals}, time.Now()
			err := store.New(c, newAEAD(t)).Update(t.Context(), func(tx *store.Tx) error {
				return people().Put(tx, "ann", person{})
			})
			if err != test.want || len(c.batches) != test.commits {
				t.Errorf("%d refusals: %v after %d commits", test.refusals, err, len(c.batches))
			}
			if took := time.Since(start); took < 100*time.Millisecond || took > 2*time.Second {
				t.Errorf("%d refusals took %v", test.refusals, took)
			}
		}
	})
}

func TestUpdateStopsWithContext(t *testing.T) {
	_, db := newStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	c := &conflictCounter{Backend: db, refusals: 1000}
	err := store.New(c, newAEAD(t)).Update(ctx, func(tx *store.Tx) error {
		if len(c.batches) == 3 {
			cancel()
		}
		return people().Put(tx, "ann", person{})
	})
	if !errors.Is(err, context.Canceled) || len(c.batches) > 4 {
		t.Errorf("%v after %d commits", err, len(c.batches))
	}
}

func TestUpdateOverTheLimit(t *testing.T) {
	s, _ := newStore(t)
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		for i := range store.MaxBatch {
			name(t, tx, fmt.Sprint("r", i))
		}
		return people().Put(tx, "ann", person{})
	})
	if err != nil {
		t.Errorf("%d reads: %v", store.MaxBatch, err)
	}
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		for i := range store.MaxBatch + 1 {
			name(t, tx, fmt.Sprint("r", i))
		}
		return people().Put(tx, "ann", person{})
	})
	if !errors.Is(err, store.ErrInvalid) {
		t.Errorf("%d reads: %v", store.MaxBatch+1, err)
	}
}

// A new Store knows the revision of its Backend from its first View on.
func TestRevisionOfAView(t *testing.T) {
	s, db := newStore(t)
	plant(t, db, "people/ann", []byte("of an earlier process"))
	if err := s.View(t.Context(), func(*store.View) error { return nil }); err != nil || s.Revision() == 0 {
		t.Errorf("%v, revision %d", err, s.Revision())
	}
}

// A sealErr is the error of a Sealer that may open a value later.
type sealErr struct{ temporary bool }

func (sealErr) Error() string { return "not now" }

func (e sealErr) Temporary() bool { return e.temporary }

type failingSealer struct {
	store.Sealer
	err error
}

func (s failingSealer) Open(_, _ []byte) ([]byte, error) { return nil, s.err }

// A value that may open later is not called corrupt.
func TestValuesThatOpenLater(t *testing.T) {
	for _, temporary := range []bool{true, false} {
		db := memory.New()
		table := store.Table[int]{Prefix: "n", Codec: store.JSON[int]()}
		err := store.New(db, newAEAD(t)).Update(t.Context(), func(tx *store.Tx) error { return table.Put(tx, "a", 1) })
		if err != nil {
			t.Fatal(err)
		}
		s := store.New(db, failingSealer{newAEAD(t), sealErr{temporary}})
		_, _, err = table.Latest(t.Context(), s, "a", nil)
		if _, corrupt := errors.AsType[*store.CorruptError](err); corrupt == temporary || !errors.Is(err, sealErr{temporary}) {
			t.Errorf("temporary %v: %v", temporary, err)
		}
	}
}
