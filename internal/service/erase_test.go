package service

import (
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A sweep does not change a key that was changed after the sweep had read it.
func TestSweepDoesNotOverwriteAChange(t *testing.T) {
	s := openForTest(t)
	now := time.Now()
	made := key.Key{ID: "12345678-1234-1234-1234-123456789012", Account: "111122223333", Region: "eu-west-2", State: key.Enabled, Spec: "SYMMETRIC_DEFAULT"}
	read := made
	put := func(k key.Key) {
		t.Helper()
		if err := s.store.Update(t.Context(), func(tx *store.Tx) error { return records.Keys.Put(tx, records.PathOf(k), k) }); err != nil {
			t.Fatal(err)
		}
	}
	put(made)
	changed := made
	changed.State = key.Disabled
	put(changed)
	err := s.writeDue(t.Context(), read, now)
	got, stored := s.storedKey(t.Context(), records.PathOf(made))
	if err == nil || stored != nil || got.State != key.Disabled {
		t.Errorf("%v, %v: the key is now %+v", err, stored, got)
	}
	if err := s.writeDue(t.Context(), got, now); err != nil {
		t.Errorf("of a key that nobody changed: %v", err)
	}
}
