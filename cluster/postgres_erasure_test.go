package cluster

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// inPostgres returns the kinds of files, base and pg_wal, from which the thief opens the material.
func (th thief) inPostgres(t *testing.T, s *pgServer) string {
	t.Helper()
	s.query(t, "CHECKPOINT") // the files have what the memory of the server has
	found := map[string]bool{}
	data := filepath.Join(s.folder, "data")
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return ignoreMissing(err)
		}
		content, err := os.ReadFile(path)
		if th.opens(t.Context(), content) {
			kind, _, _ := strings.Cut(strings.TrimPrefix(path, data+"/"), "/")
			found[kind] = true
		}
		return ignoreMissing(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	for _, kind := range []string{"base", "pg_wal"} {
		if found[kind] {
			kinds = append(kinds, kind)
			delete(found, kind)
		}
	}
	if len(found) > 0 {
		t.Errorf("the secret is also in %v", found)
	}
	return strings.Join(kinds, " ")
}

// SECURITY.md says where the secret of erased material remains, and how long. Somebody with the root key reads the
// files of PostgreSQL after each step.
func TestPostgresErasure(t *testing.T) {
	t.Parallel()
	s := startPostgres(t, "max_wal_size=32MB", "min_wal_size=32MB", "autovacuum=off")
	c := pgConfig(t, s)
	c.Keep = keep
	b := pgOpen(t, c)
	slots := b.Slots()
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	sealer := material.NewSealer(slots, keyring.Materials())
	neighbour := putSlot(t, slots) // the vacuum moves the rows behind an erased one over it, so the last one is erased
	th := thief{keyring: keyring, key: key.Key{ID: "1", Account: "111122223333", Region: "eu-west-1", Spec: key.SymmetricDefault}}
	if th.sealed, err = sealer.Seal(t.Context(), th.key, "1", make([]byte, 32)); err != nil {
		t.Fatal(err)
	}
	if got := th.inPostgres(t, s); got != "base pg_wal" {
		t.Errorf("before the erasure the secret is in %q", got)
	}
	if err := slots.Erase(t.Context(), th.sealed.Slot); err != nil {
		t.Fatal(err)
	}
	if _, err := sealer.Open(t.Context(), th.key, th.sealed); !errors.Is(err, store.ErrNoSlot) {
		t.Errorf("erased material opens through the store: %v", err)
	}
	waitFor(t, "the vacuum of the slots", func() bool {
		return s.query(t, "SELECT vacuum_count > 0 FROM pg_stat_user_tables WHERE relname = 'slots'") == "true"
	})
	if got := th.inPostgres(t, s); got != "base pg_wal" {
		t.Errorf("after the vacuum the secret is in %q", got)
	}
	for range 3 { // new slots are written over the old bytes
		putSlot(t, slots)
	}
	if got := th.inPostgres(t, s); got != "pg_wal" {
		t.Errorf("after new slots the secret is in %q", got)
	}
	waitFor(t, "the server writes over its log", func() bool {
		for range 16 {
			put(t, b, "fill", strings.Repeat("x", store.MaxBytes/2))
			s.query(t, "SELECT pg_switch_wal()")
		}
		return th.inPostgres(t, s) == ""
	})
	if _, err := slots.Get(t.Context(), neighbour); err != nil {
		t.Error(err)
	}
}

func putSlot(t *testing.T, slots store.Slots) string {
	t.Helper()
	slot, err := slots.Put(t.Context(), bytes.Repeat([]byte{1}, store.SlotSize))
	if err != nil {
		t.Fatal(err)
	}
	return slot
}
