package local

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

// One bit in the header of a page is flipped. bbolt has no checksums, so a record may seem absent, or have
// another value that does not open. But nothing may crash or hang, and most damage must be detected.
func TestDamagedPages(t *testing.T) {
	const keys, runs = 400, 40
	dir := t.TempDir()
	db := open(t, dir)
	for i := 0; i < keys; i += 20 {
		var b store.Batch
		for j := range 20 {
			b.Writes = append(b.Writes, put(fmt.Sprintf("%04d", i+j), string(make([]byte, 300))).Writes...)
		}
		if _, err := db.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	whole = whole[:len(bytes.TrimRight(whole, "\x00"))+4096]
	random := rand.New(rand.NewPCG(1, 2)) // the same damage in every run
	noticed := 0
	for range runs {
		damaged := bytes.Clone(whole)
		at := random.IntN(64)
		if at/4 == 3 {
			continue // the overflow count: bbolt trusts it, and may free millions of pages one by one
		}
		damaged[random.IntN(len(whole)/4096)*4096+at] ^= 1 << random.IntN(8)
		if useDamaged(t, damaged, keys) {
			noticed++
		}
	}
	if noticed < runs/10 { // most pages are free
		t.Errorf("%d of %d damages were noticed", noticed, runs)
	}
}

// useDamaged reads all records of a file, writes some, and reports whether any call returned an error.
func useDamaged(t *testing.T, file []byte, keys int) (noticed bool) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		if err != nil && !isCorrupt(err) && !errors.Is(err, store.ErrFailed) {
			t.Errorf("got %v", err)
		}
		noticed = noticed || err != nil
	}
	db, err := Open(dir, Options{})
	check(err)
	if err != nil {
		return true
	}
	defer db.Close()
	for i := range keys {
		_, _, err := get(t.Context(), db, fmt.Sprintf("%04d", i))
		check(err)
	}
	check(db.View(t.Context(), func(r store.Reader) error { _, err := r.Scan(nil, nil, 2*keys); return err }))
	for i := 0; i < keys && !noticed; i += 80 {
		_, err := db.Commit(t.Context(), put(fmt.Sprintf("%04d", i), "x"))
		check(err)
	}
	return noticed
}

func isCorrupt(err error) bool {
	_, ok := errors.AsType[*store.CorruptError](err)
	return ok
}

// The file is overwritten while the store is open. bbolt panics during the commit, and again during the
// rollback, and does not release its lock.
func TestFileIsLostWhileOpen(t *testing.T) {
	db := open(t, t.TempDir())
	mustPut(t, db, "a", "1")
	f, err := os.OpenFile(db.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xff}, 1<<16), 2*int64(os.Getpagesize())); err != nil {
		t.Fatal(err)
	}
	if _, _, err := get(t.Context(), db, "a"); !isCorrupt(err) {
		t.Errorf("View: %v", err)
	}
	if _, err := db.Commit(t.Context(), put("a", "2")); !isCorrupt(err) || !errors.Is(err, store.ErrFailed) {
		t.Errorf("Commit: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}
