package records

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A fullBackend commits nothing.
type fullBackend struct{ store.Backend }

var errCommit = errors.New("the disk is full")

func (fullBackend) Commit(context.Context, store.Batch) (int64, error) { return 0, errCommit }

// A new deployment is made only if the caller asks for one, and only in an empty Backend.
func TestKeyringsThatAreMade(t *testing.T) {
	root := seal.NewEphemeralRoot()
	db := memory.New()
	open := func(b store.Backend, create bool) error {
		k, err := OpenKeyring(t.Context(), b, root, create)
		if (k == nil) == (err == nil) && !errors.Is(err, errCommit) {
			t.Errorf("a keyring %v with the error %v", k, err)
		}
		return err
	}
	if err := open(db, false); !errors.Is(err, ErrNotInitialised) {
		t.Errorf("in an empty Backend: %v", err)
	}
	if err := open(fullBackend{db}, true); !errors.Is(err, errCommit) {
		t.Errorf("on a full disk: %v", err)
	}
	for at := 1; at <= 2; at++ {
		if err := open(&failingBackend{Backend: db, at: at}, true); !errors.Is(err, errRead) || !strings.HasPrefix(err.Error(), "read the keyring: ") {
			t.Errorf("without read %d: %v", at, err)
		}
	}
	if err := open(db, true); err != nil {
		t.Fatal(err)
	}
	for _, create := range []bool{false, true} {
		if err := open(db, create); err != nil {
			t.Errorf("again: %v", err)
		}
	}
	keyring, err := OpenKeyring(t.Context(), db, root, false)
	if err != nil {
		t.Fatal(err)
	}
	err = store.New(db, keyring.Records()).View(t.Context(), func(v *store.View) error {
		f, err := ReadFormat(v)
		if f != (Format{Format: NewestFormat}) {
			t.Errorf("a new deployment has the format %+v", f)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	used := memory.New()
	if _, err := used.Commit(t.Context(), store.Batch{Writes: []store.Write{{Key: []byte("x"), Value: []byte("y")}}}); err != nil {
		t.Fatal(err)
	}
	for _, create := range []bool{false, true} {
		if err := open(used, create); err == nil || !strings.Contains(err.Error(), "records but no keyring") {
			t.Errorf("in the Backend of something else: %v", err)
		}
	}
}

func TestIsEmpty(t *testing.T) {
	b := memory.New()
	write := func(w store.Write) {
		t.Helper()
		if _, err := b.Commit(t.Context(), store.Batch{Writes: []store.Write{w}}); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(when string, want bool, wantErr error) {
		t.Helper()
		if empty, err := IsEmpty(t.Context(), b); empty != want || !errors.Is(err, wantErr) || wantErr == nil && err != nil {
			t.Errorf("%s: empty %t, %v", when, empty, err)
		}
	}
	wants("without records", true, nil)
	write(store.Write{Key: CopyKey(), Value: []byte("x")})
	wants("with the marker of a copy", false, ErrUnfinishedCopy)
	write(store.Write{Key: CopyKey()})
	wants("without the marker", true, nil)
	write(store.Write{Key: []byte("key/x"), Value: []byte("x")})
	wants("with a record", false, nil)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := IsEmpty(t.Context(), b); err == nil {
		t.Error("a store that is closed is empty")
	}
}

// The only node of a deployment gets an ID once.
func TestSoleNodeHasOneID(t *testing.T) {
	s := newStore(t, memory.New())
	var ids []string
	for range 2 {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			id, err := SoleNodeID(tx)
			ids = append(ids, id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if ids[0] != ids[1] || len(ids[0]) != 16 || ids[0] == NewNodeID() {
		t.Errorf("%q", ids)
	}
}
