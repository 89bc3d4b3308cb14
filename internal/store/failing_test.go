package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

var errRead = errors.New("the read failed")

// A failing Backend fails the read with a number, counted from 1.
type failing struct {
	store.Backend
	reads, fails int
}

type failingReader struct {
	store.Reader
	b *failing
}

func (b *failing) fail() error {
	if b.reads++; b.reads == b.fails {
		return errRead
	}
	return nil
}

func (b *failing) View(ctx context.Context, fn func(store.Reader) error) error {
	return b.Backend.View(ctx, func(r store.Reader) error { return fn(failingReader{r, b}) })
}

func (r failingReader) Get(keys ...[]byte) ([]store.Item, error) {
	if err := r.b.fail(); err != nil {
		return nil, err
	}
	return r.Reader.Get(keys...)
}

func (r failingReader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	if err := r.b.fail(); err != nil {
		return nil, err
	}
	return r.Reader.Scan(from, to, limit)
}

// reads are all functions that read a record at a path. Each returns the error, and whether it returned a value
// in spite of the error.
var reads = map[string]func(t *testing.T, s *store.Store, from store.Getter, path string) (bool, error){
	"Get": func(t *testing.T, s *store.Store, from store.Getter, path string) (bool, error) {
		v, ok, err := people().Get(from, path)
		return ok || v != person{}, err
	},
	"GetAll": func(t *testing.T, s *store.Store, from store.Getter, path string) (bool, error) {
		all, err := people().GetAll(from, "bob", path)
		return all != nil, err
	},
	"Fetch": func(t *testing.T, s *store.Store, from store.Getter, path string) (bool, error) {
		if path == "" || len(path) > 1000 {
			return false, store.ErrInvalid
		}
		return false, store.Fetch(from, people().Ref(path))
	},
	"Covered": func(t *testing.T, s *store.Store, from store.Getter, path string) (bool, error) {
		v, err := people().Covered(from, path)
		return v != nil, err
	},
	"Revision": func(t *testing.T, s *store.Store, from store.Getter, path string) (bool, error) {
		rev, err := people().Revision(from, path)
		return rev != 0, err
	},
	"Joined.Get": func(t *testing.T, s *store.Store, from store.Getter, path string) (bool, error) {
		v, ok, err := grown().Get(from, path)
		return ok || v != person{}, err
	},
	"Latest": func(t *testing.T, s *store.Store, _ store.Getter, path string) (bool, error) {
		v, ok, err := people().Latest(t.Context(), s, path, nil)
		return ok || v != person{}, err
	},
	"Newest": func(t *testing.T, s *store.Store, _ store.Getter, path string) (bool, error) {
		v, ok, err := people().Newest(t.Context(), s, path, nil)
		return ok || v != person{}, err
	},
	"Joined.Latest": func(t *testing.T, s *store.Store, _ store.Getter, path string) (bool, error) {
		_, ok, err := grown().Latest(t.Context(), s, path, nil)
		return ok, err
	},
	"Joined.Newest": func(t *testing.T, s *store.Store, _ store.Getter, path string) (bool, error) {
		_, ok, err := grown().Newest(t.Context(), s, path, nil)
		return ok, err
	},
}

// Every function that reads returns the error of each of its reads, and no value with it.
func TestReadsFail(t *testing.T) {
	for name, read := range reads {
		for fails := 1; fails < 10; fails++ {
			b := &failing{Backend: memory.New()}
			s := store.New(b, newAEAD(t))
			putGrown(t, s, "ann", 30)
			putGrown(t, s, "bob", 40)
			var value bool
			var err error
			if fails%2 == 0 { // first in a transaction, then in a View
				s.Update(t.Context(), func(tx *store.Tx) error {
					b.reads, b.fails = 0, fails/2
					value, err = read(t, s, tx, "ann")
					return errMine
				})
			} else {
				s.View(t.Context(), func(v *store.View) error {
					b.reads, b.fails = 0, (fails+1)/2
					value, err = read(t, s, v, "ann")
					return nil
				})
			}
			if failed := b.reads >= b.fails; failed && (!errors.Is(err, errRead) || value) || !failed && err != nil {
				t.Errorf("%s, when read %d fails: %v, %v", name, b.fails, value, err)
			}
			if fails < 3 && b.reads == 0 {
				t.Errorf("%s reads nothing", name)
			}
		}
	}
}

// Every function refuses a path that cannot be a key, before it reads or writes anything.
func TestPathsAreLimited(t *testing.T) {
	writes := map[string]func(tx *store.Tx, path string) error{
		"Put":    func(tx *store.Tx, path string) error { return people().Put(tx, path, person{}) },
		"Insert": func(tx *store.Tx, path string) error { return people().Insert(tx, path, person{}) },
		"Expect": func(tx *store.Tx, path string) error { return people().Expect(tx, path, 0) },
		"Delete": func(tx *store.Tx, path string) error { return people().Delete(tx, path) },
	}
	longest := strings.Repeat("x", 1024-len("people/"))
	s, _ := newStore(t)
	for path, bad := range map[string]bool{"": true, longest + "x": true, longest: false} {
		for name, read := range reads {
			err := s.View(t.Context(), func(v *store.View) error {
				value, err := read(t, s, v, path)
				if value && bad {
					t.Errorf("%s of %d bytes returns a value", name, len(path))
				}
				return err
			})
			if (name != "Fetch" || bad) && errors.Is(err, store.ErrInvalid) != bad {
				t.Errorf("%s of %d bytes: %v", name, len(path), err)
			}
		}
		for name, write := range writes {
			s.Update(t.Context(), func(tx *store.Tx) error {
				if err := write(tx, path); errors.Is(err, store.ErrInvalid) != bad {
					t.Errorf("%s of %d bytes: %v", name, len(path), err)
				}
				return errMine
			})
		}
	}
	// The second part of a joined record has a path of its own.
	long := grown()
	long.Second.Prefix = "longer-than-people"
	err := s.View(t.Context(), func(v *store.View) error {
		_, _, err := long.Get(v, longest)
		return err
	})
	if !errors.Is(err, store.ErrInvalid) {
		t.Errorf("the second part: %v", err)
	}
}

// A scan returns the error of its read.
func TestScansFail(t *testing.T) {
	b := &failing{Backend: memory.New()}
	s := store.New(b, newAEAD(t))
	put(t, s, "ann")
	for name, scan := range map[string]func(v *store.View, under, after string, limit int) ([]store.Record[person], error){
		"Scan": people().Scan, "ScanKept": people().ScanKept,
		"Scan without a prefix": store.Table[person]{}.Scan,
	} {
		want := errRead
		if strings.HasSuffix(name, "prefix") {
			want = store.ErrInvalid
		}
		s.View(t.Context(), func(v *store.View) error {
			b.reads, b.fails = 0, 1
			if all, err := scan(v, "", "", 10); all != nil || !errors.Is(err, want) {
				t.Errorf("%s: %v, %v", name, all, err)
			}
			return nil
		})
	}
}

// A scan of a record that does not open returns the error alone.
func TestScansOfCorruptRecords(t *testing.T) {
	s, b := newStore(t)
	put(t, s, "ann")
	plant(t, b, "people/bob", []byte("damaged"))
	for name, scan := range map[string]func(v *store.View, under, after string, limit int) ([]store.Record[person], error){
		"Scan": people().Scan, "ScanKept": people().ScanKept,
	} {
		s.View(t.Context(), func(v *store.View) error {
			if all, err := scan(v, "", "", 10); all != nil || !corrupt(err, "people/bob") {
				t.Errorf("%s: %v, %v", name, all, err)
			}
			return nil
		})
	}
}

// Each limit of a batch holds to the byte.
func TestLimitsOfABatch(t *testing.T) {
	if store.MaxBatch != 128 || store.MaxBytes != 1<<20 || store.MaxKey != 1024 {
		t.Errorf("the limits are %d, %d and %d", store.MaxBatch, store.MaxBytes, store.MaxKey)
	}
	key := func(n, size int) []byte { return fmt.Appendf(nil, "%0*d", size, n) }
	writes := func(n int) (all []store.Write) {
		for i := range n {
			all = append(all, store.Write{Key: key(i, 8)})
		}
		return all
	}
	checks := func(n int) (all []store.Check) {
		for i := range n {
			all = append(all, store.Check{Key: key(i, 8)})
		}
		return all
	}
	sized := func(value int) store.Batch {
		return store.Batch{Checks: checks(1), Writes: []store.Write{{Key: key(1, 8), Value: make([]byte, value)}}}
	}
	for name, test := range map[string]struct {
		b  store.Batch
		ok bool
	}{
		"empty":            {store.Batch{}, true},
		"128 of both":      {store.Batch{Checks: checks(128), Writes: writes(128)}, true},
		"129 writes":       {store.Batch{Writes: writes(129)}, false},
		"129 checks":       {store.Batch{Checks: checks(129)}, false},
		"1 MiB":            {sized(1<<20 - 16), true},
		"1 MiB and a byte": {sized(1<<20 - 15), false},
		"the longest keys": {store.Batch{Checks: []store.Check{{Key: key(1, 1024)}}, Writes: []store.Write{{Key: key(2, 1024)}}}, true},
		"a longer check":   {store.Batch{Checks: []store.Check{{Key: key(1, 1025)}}}, false},
		"a longer write":   {store.Batch{Writes: []store.Write{{Key: key(1, 1025)}}}, false},
		"a key of a byte":  {store.Batch{Checks: []store.Check{{Key: []byte("a")}}, Writes: []store.Write{{Key: []byte("a")}}}, true},
		"a check of none":  {store.Batch{Checks: []store.Check{{}}}, false},
		"a write of none":  {store.Batch{Writes: []store.Write{{}}}, false},
		"a key twice":      {store.Batch{Writes: append(writes(2), writes(1)...)}, false},
	} {
		if err := test.b.Validate(); (err == nil) != test.ok || err != nil && !errors.Is(err, store.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	keys := make([][]byte, 129)
	if err := store.ValidateGet(keys[:128]); err != nil {
		t.Error(err)
	}
	if err := store.ValidateGet(keys); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("129 keys: %v", err)
	}
}

// The texts of errors name the record or the quota.
func TestTextsOfErrors(t *testing.T) {
	cause := errors.New("cause")
	for want, err := range map[string]error{
		`store: "keys/1" is corrupt: cause`:                              &store.CorruptError{Path: "keys/1", Err: cause},
		`store: the quota of 3 aliases in "111122223333/eu/" is used up`: &store.QuotaError{Quota: store.Quota{Name: "aliases", Limit: 3}, Scope: "111122223333/eu/"},
	} {
		if err.Error() != want {
			t.Errorf("got %q, want %q", err, want)
		}
	}
	if !errors.Is(&store.CorruptError{Err: cause}, cause) {
		t.Error("a CorruptError hides its cause")
	}
}

// A sealer that fails makes the transaction fail, and nothing is written.
func TestSealingFails(t *testing.T) {
	b := memory.New()
	s := store.New(b, noSealer{newAEAD(t)})
	err := s.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(people().Delete(tx, "ann"), people().Put(tx, "bob", person{}))
	})
	if !errors.Is(err, errMine) {
		t.Errorf("got %v", err)
	}
	if item := readItem(t, b, "people/bob"); item.Rev != 0 {
		t.Errorf("%+v was written", item)
	}
}

type noSealer struct{ aead }

func (noSealer) Seal(path, plaintext []byte) ([]byte, error) { return nil, errMine }

// A transaction reports why a record does not open, as a View does.
func TestCorruptRecordIsTheSameEverywhere(t *testing.T) {
	s, b := newStore(t)
	plant(t, b, "people/ann", []byte("not sealed, but longer than a nonce and a tag"))
	for name, read := range reads {
		var inView, inTx error
		s.View(t.Context(), func(v *store.View) error { _, inView = read(t, s, v, "ann"); return nil })
		s.Update(t.Context(), func(tx *store.Tx) error { _, inTx = read(t, s, tx, "ann"); return errMine })
		if fmt.Sprint(inView) != fmt.Sprint(inTx) || strings.Contains(fmt.Sprint(inTx), "JSON") {
			t.Errorf("%s: %v in a View, %v in a transaction", name, inView, inTx)
		}
	}
}
