package records

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

var errRead = errors.New("the disk does not answer")

// A failingBackend cannot read the records that it was asked for by the read with the number at.
type failingBackend struct {
	store.Backend
	at, reads int
	broken    []string
}

func (b *failingBackend) View(ctx context.Context, fn func(store.Reader) error) error {
	return b.Backend.View(ctx, func(r store.Reader) error { return fn(failingReader{r, b}) })
}

func (b *failingBackend) fails(paths ...string) bool {
	if b.reads++; b.reads == b.at {
		b.broken = paths
	}
	return slices.ContainsFunc(paths, func(p string) bool { return slices.Contains(b.broken, p) })
}

type failingReader struct {
	store.Reader
	b *failingBackend
}

func (r failingReader) Get(keys ...[]byte) ([]store.Item, error) {
	var paths []string
	for _, k := range keys {
		paths = append(paths, string(k))
	}
	if r.b.fails(paths...) {
		return nil, errRead
	}
	return r.Reader.Get(keys...)
}

func (r failingReader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	if r.b.fails(string(from) + " to " + string(to)) {
		return nil, errRead
	}
	return r.Reader.Scan(from, to, limit)
}

// relatedKeysOf returns a primary key with pending material, and its two replicas.
func relatedKeysOf() (primary key.Key, replicas []key.Key) {
	validTo := time.Unix(3000, 0).UTC()
	primary = key.Key{ID: "mrk-1", Account: "a", Region: "r1", Policy: "{}", State: key.Enabled, Origin: key.OriginExternal, Spec: key.SymmetricDefault, Usage: key.EncryptDecrypt}
	primary.MultiRegion = key.MultiRegion{Primary: "r1", Replicas: []key.Replica{{Region: "r2"}, {Region: "r3"}}}
	with := func(k key.Key, region string) key.Key {
		k.Region = region
		k.Materials = []key.Material{{ID: "m", Sealed: []byte("x"), Slot: "m" + region}}
		k.Pending = &key.Material{ID: "n", Sealed: []byte("x"), Slot: "n" + region, ValidTo: validTo}
		return k
	}
	for _, region := range []string{"r2", "r3"} {
		k := with(primary, region)
		k.MultiRegion.Replicas = nil
		replicas = append(replicas, k)
	}
	return with(primary, "r1"), replicas
}

// A function that runs in a transaction fails if any of its reads fails. No function takes a record that
// cannot be read for an absent record.
func TestTransactionsFailWithTheirReads(t *testing.T) {
	primary, replicas := relatedKeysOf()
	other := primary
	other.Pending = nil // the replicas drop their material
	doomed := replicas[0]
	doomed.State, doomed.DeletionDate = key.PendingDeletion, time.Unix(5000, 0).UTC()
	grant, alias := shapedGrant(1, "a"), key.Alias{Account: "a", Region: "r1", KeyID: "mrk-1", Name: "alias/one"}
	grant.Name, grant.Retiring = "name", "retirer"
	for name, run := range map[string]func(tx *store.Tx) error{
		"InsertAlias": func(tx *store.Tx) error {
			return InsertAlias(tx, key.Alias{Account: "a", Region: "r1", KeyID: "mrk-1", Name: "alias/two"})
		},
		"RemoveAlias":        func(tx *store.Tx) error { return RemoveAlias(tx, alias) },
		"InsertGrant":        func(tx *store.Tx) error { return InsertGrant(tx, shapedGrant(2, "a")) },
		"RemoveGrant":        func(tx *store.Tx) error { return RemoveGrant(tx, grant) },
		"EraseGrant":         func(tx *store.Tx) error { return EraseGrant(tx, grant) },
		"IndexGrant":         func(tx *store.Tx) error { _, err := IndexGrant(tx, shapedGrant(2, "a")); return err },
		"PutKeys":            func(tx *store.Tx) error { _, err := PutKeys(tx, other); return err },
		"PutKeys, a replica": func(tx *store.Tx) error { _, err := PutKeys(tx, doomed); return err },
		"PutWhole":           func(tx *store.Tx) error { _, err := PutWhole(tx, primary, other, NewestLevel); return err },
		"RelatedKeys":        func(tx *store.Tx) error { _, err := RelatedKeys(tx, primary); return err },
		"SplitKey":           func(tx *store.Tx) error { return SplitKey(tx, PathOf(primary)) },
		"SoleNodeID":         func(tx *store.Tx) error { _, err := SoleNodeID(tx); return err },
		"ReadFormat":         func(tx *store.Tx) error { _, err := ReadFormat(tx); return err },
	} {
		db := memory.New()
		keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
		if err != nil {
			t.Fatal(err)
		}
		err = store.New(db, keyring.Records()).Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(InsertKey(tx, primary, NewestLevel), InsertKey(tx, replicas[0], NewestLevel), InsertKey(tx, replicas[1], NewestLevel), InsertGrant(tx, grant), InsertAlias(tx, alias))
		})
		if err != nil {
			t.Fatal(err)
		}
		for at := 1; ; at++ {
			b := &failingBackend{Backend: db, at: at}
			err := store.New(b, keyring.Records()).View(t.Context(), func(*store.View) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			stop := errors.New("the transaction is not committed")
			err = store.New(b, keyring.Records()).Update(t.Context(), func(tx *store.Tx) error {
				if err := run(tx); err != nil {
					return err
				}
				return stop
			})
			if b.reads < at {
				if !errors.Is(err, stop) || at == 1 {
					t.Errorf("%s: %v after %d reads", name, err, b.reads)
				}
				break
			}
			if !errors.Is(err, errRead) {
				t.Errorf("%s without %v: %v", name, b.broken, err)
			}
		}
	}
}

// What a key leaves in the records of its related keys.
func TestWhatKeysDoToRelatedKeys(t *testing.T) {
	primary, replicas := relatedKeysOf()
	setUp := func() *store.Store {
		s := newStore(t, memory.New())
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(InsertKey(tx, primary, NewestLevel), InsertKey(tx, replicas[0], NewestLevel), InsertKey(tx, replicas[1], NewestLevel))
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	put := func(s *store.Store, all ...key.Key) (left []string) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *store.Tx) (err error) { left, err = PutKeys(tx, all...); return err }); err != nil {
			t.Fatal(err)
		}
		return left
	}
	read := func(s *store.Store, region string) (k key.Key, ok bool) {
		t.Helper()
		if err := s.View(t.Context(), func(v *store.View) (err error) {
			k, ok, err = Keys.Get(v, KeyPath("a", region, "mrk-1"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return k, ok
	}

	s := setUp()
	without := primary
	without.Pending = nil
	left := put(s, without)
	if !slices.Equal(slices.Sorted(slices.Values(left)), []string{"nr1", "nr2", "nr3"}) {
		t.Fatalf("without pending material the keys leave %v", left)
	}
	for _, region := range []string{"r1", "r2", "r3"} {
		if k, _ := read(s, region); k.Pending != nil || len(k.Materials) != 1 {
			t.Errorf("in %s: %+v", region, k)
		}
	}
	err := s.View(t.Context(), func(v *store.View) error {
		e, ok, err := Erasures.Get(v, left[0])
		if !ok || !slices.Equal(e.Also, left[1:]) {
			t.Errorf("the erasure: %+v, %v", e, ok)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}

	// A rotation writes the replicas itself.
	s = setUp()
	disabled := primary
	disabled.State = key.Disabled
	if left := put(s, disabled); left != nil {
		t.Errorf("a disabled key leaves %v", left)
	}
	for _, region := range []string{"r2", "r3"} {
		if k, _ := read(s, region); k.Pending == nil || k.State != key.Enabled {
			t.Errorf("in %s: %+v", region, k)
		}
	}

	// The primary key notes the deletion date of a replica.
	doomed, date := replicas[0], time.Unix(5000, 0).UTC()
	doomed.State, doomed.DeletionDate = key.PendingDeletion, date
	put(s, doomed)
	k, _ := read(s, "r1")
	if r := k.MultiRegion.Replicas; len(r) != 2 || !r[0].DeletionDate.Equal(date) || !r[1].DeletionDate.IsZero() {
		t.Errorf("the primary key has the replicas %+v", r)
	}

	// Only a replica with a deletion date may be missing, and one that is gone is left out.
	related := func(primary key.Key) (regions string, err error) {
		err = s.View(t.Context(), func(v *store.View) error {
			all, err := RelatedKeys(v, primary)
			for _, k := range all {
				regions += k.Region + " "
			}
			return err
		})
		return regions, err
	}
	want := func(want string, fails bool) {
		t.Helper()
		k, _ := read(s, "r1")
		got, err := related(k)
		if (err != nil) != fails || !fails && got != want || fails && !strings.Contains(err.Error(), "the replica of arn:aws:kms:r1:a:key/mrk-1 in r3 is missing") {
			t.Errorf("related keys in %s (%v), want %s", got, err, want)
		}
	}
	want("r1 r2 r3 ", false)
	doomed.State = key.Gone
	if err := s.Update(t.Context(), func(tx *store.Tx) error { return Keys.Put(tx, PathOf(doomed), doomed) }); err != nil {
		t.Fatal(err)
	}
	want("r1 r3 ", false)
	remove := func(k key.Key) {
		if err := s.Update(t.Context(), func(tx *store.Tx) error { return Keys.Delete(tx, PathOf(k)) }); err != nil {
			t.Fatal(err)
		}
	}
	remove(doomed)
	want("r1 r3 ", false)
	remove(replicas[1])
	want("", true)

	// A replica without a primary key is changed all the same.
	remove(primary)
	doomed.DeletionDate = date.Add(time.Hour)
	put(s, doomed)
}
