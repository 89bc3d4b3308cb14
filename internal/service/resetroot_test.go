package service

import (
	"errors"
	"testing"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A reset also revokes the access keys of the root that were made after it has read them, and no other access keys.
func TestResetRootMeetsChanges(t *testing.T) {
	w := newWorkTest(t)
	s, end, err := w.open(t.Context(), copyOf(t, w.backend), w.now)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	first, _, err := s.Initialise(t.Context(), homeAccount)
	if err != nil {
		t.Fatal(err)
	}
	r := RootReset{Account: homeAccount, AccessKeyID: "AKIANEW", Secret: "secret"}
	serial, err := s.rootKeys(t.Context(), &r)
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.Update(t.Context(), func(tx *store.Tx) error {
		a, _, err := records.Accounts.Get(tx, homeAccount)
		a.ID, a.Serial, a.Keys = homeAccount, a.Serial+1, append(a.Keys, "AKIALATE")
		return errors.Join(err, records.Accounts.Put(tx, homeAccount, a),
			records.AccessKeys.Put(tx, "AKIALATE", identity.StoredKey{Account: homeAccount}),
			records.AccessKeys.Put(tx, "AKIAUSER", identity.StoredKey{Account: homeAccount, User: "user"}),
			records.AccessKeys.Put(tx, "AKIAOTHER", identity.StoredKey{Account: "999999999999"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.Update(t.Context(), func(tx *store.Tx) error { return r.replace(tx, serial, w.now) })
	if !errors.Is(err, errRootChanged) {
		t.Errorf("with keys that were read before the change: %v", err)
	}
	if r, err = s.ResetRoot(t.Context()); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{first: false, "AKIALATE": false, "AKIAUSER": true, "AKIAOTHER": true, r.AccessKeyID: true} {
		err := s.store.View(t.Context(), func(v *store.View) error {
			_, ok, err := records.AccessKeys.Get(v, id)
			if ok != want {
				t.Errorf("%s is there: %t", id, ok)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
