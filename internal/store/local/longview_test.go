package local

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/boltpages"
)

// While a LongView runs, each change takes as much space as the one before. The list of free pages, which grows with
// each change, is not written. After a kill the file is sound, and its free pages are used again.
func TestLongView(t *testing.T) {
	dir, copied := t.TempDir(), t.TempDir()
	db := open(t, dir)
	change := func(db *DB) {
		t.Helper()
		for i := range 100 {
			mustPut(t, db, fmt.Sprintf("key-%d", i%50), "value")
		}
	}
	used := func(db *DB) int64 {
		t.Helper()
		used, _, err := db.Room()
		if err != nil {
			t.Fatal(err)
		}
		return used
	}
	growth := func(db *DB) int64 {
		t.Helper()
		begun := used(db)
		change(db)
		return used(db) - begun
	}
	err := db.LongView(t.Context(), func(r store.Reader) error {
		change(db)
		first := growth(db)
		for range 3 {
			change(db)
		}
		if last := growth(db); first == 0 || last > first {
			t.Errorf("100 changes took %d bytes, and later ones %d", first, last)
		}
		if r.Rev() != 0 {
			t.Errorf("the View is at revision %d", r.Rev())
		}
		return copyFile(filepath.Join(dir, FileName), filepath.Join(copied, FileName))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := boltpages.CheckPages(t.Context(), filepath.Join(copied, FileName), os.Getpagesize()); err != nil {
		t.Errorf("after a kill: %v", err)
	}
	for _, db := range []*DB{db, open(t, copied)} {
		change(db)
		if got := growth(db); got > 0 {
			t.Errorf("after the View, 100 changes took %d bytes", got)
		}
		if item, rev, err := get(t.Context(), db, "key-49"); err != nil || string(item.Value) != "value" || item.Rev != rev {
			t.Errorf("%q@%d in a store at %d, %v", item.Value, item.Rev, rev, err)
		}
	}
}

func copyFile(from, to string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}
