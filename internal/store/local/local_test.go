package local

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

func TestBackend(t *testing.T) {
	storetest.Test(t, func(t *testing.T) store.Backend { return open(t, t.TempDir()) })
}

// open opens the store in dir and closes it when the test ends.
func open(t testing.TB, dir string) *DB {
	t.Helper()
	db, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func put(key, value string) store.Batch {
	return store.Batch{Writes: []store.Write{{Key: []byte(key), Value: []byte(value)}}}
}

func mustPut(t testing.TB, db *DB, key, value string) int64 {
	t.Helper()
	rev, err := db.Commit(t.Context(), put(key, value))
	if err != nil {
		t.Fatal(err)
	}
	return rev
}

// get returns the item at key and the revision of the store.
func get(ctx context.Context, db *DB, key string) (item store.Item, rev int64, err error) {
	err = db.View(ctx, func(r store.Reader) (err error) {
		rev = r.Rev()
		item, err = store.ReadItem(r, []byte(key))
		return err
	})
	return item, rev, err
}

func want(t *testing.T, db *DB, key, value string, written, now int64) {
	t.Helper()
	item, rev, err := get(t.Context(), db, key)
	if err != nil || string(item.Value) != value || item.Rev != written || rev != now {
		t.Errorf("%s is %q@%d in a store at %d (%v), want %q@%d at %d", key, item.Value, item.Rev, rev, err, value, written, now)
	}
}

func TestReopen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	db := open(t, dir)
	a := mustPut(t, db, "a", "1")
	b := mustPut(t, db, "b", "2")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db = open(t, dir)
	want(t, db, "a", "1", a, b)
	want(t, db, "b", "2", b, b)
	never := func(store.Change) error { t.Error("called"); return nil }
	if err := db.Watch(t.Context(), a, never); err != store.ErrCompacted {
		t.Errorf("watch from before the start: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Watch(ctx, b, never); err != context.Canceled {
		t.Errorf("watch from the start: %v", err)
	}
	if c := mustPut(t, db, "c", "3"); c <= b {
		t.Errorf("revision %d after %d", c, b)
	}
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	open(t, dir)
	openSlots(t, dir)
	for path, mode := range map[string]os.FileMode{
		dir: os.ModeDir | 0o700, filepath.Join(dir, FileName): 0o600, filepath.Join(dir, SlotsName): 0o600,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "not", "there"), Options{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("folder without parent: %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(file, Options{}); err == nil {
		t.Error("a file was opened as a folder")
	}
}

func TestSecondOpenIsInUse(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	a := mustPut(t, db, "a", "1")
	if _, err := Open(dir, Options{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("got %v", err)
	}
	want(t, db, "a", "1", a, a)
	db.Close()
	open(t, dir)
}

// edit changes the file of a closed store.
func edit(t *testing.T, dir string, fn func(tx *bbolt.Tx) error) {
	t.Helper()
	b, err := openBolt(filepath.Join(dir, FileName), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Update(fn), b.Close()); err != nil {
		t.Fatal(err)
	}
}

// newClosedStore returns the folder of a closed store that contains record a at revision 1.
func newClosedStore(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	db := open(t, dir)
	mustPut(t, db, "a", "1")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestOpenChecksTheFile(t *testing.T) {
	for name, test := range map[string]struct {
		change func(tx *bbolt.Tx) error
		wanted func(error) bool
	}{
		"nothing":      {func(*bbolt.Tx) error { return nil }, func(err error) bool { return err == nil }},
		"newer format": {func(tx *bbolt.Tx) error { return putNumber(meta(tx), keyFormat, format+1) }, func(err error) bool { return errors.Is(err, ErrFormat) }},
		"no format":    {func(tx *bbolt.Tx) error { return meta(tx).Delete([]byte(keyFormat)) }, isCorrupt},
		"format 0":     {func(tx *bbolt.Tx) error { return putNumber(meta(tx), keyFormat, 0) }, isCorrupt},
		"no revision":  {func(tx *bbolt.Tx) error { return meta(tx).Delete([]byte(keyRev)) }, isCorrupt},
		"no records":   {func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte(bucketRecords)) }, isCorrupt},
		"no meta":      {func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte(bucketMeta)) }, isCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newClosedStore(t)
			edit(t, dir, test.change)
			path := filepath.Join(dir, FileName)
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			db, err := Open(dir, Options{})
			if !test.wanted(err) {
				t.Errorf("got %v", err)
			}
			if err == nil {
				db.Close()
			}
			readOnly, err := OpenReadOnly(dir)
			if !test.wanted(err) {
				t.Errorf("read-only: %v", err)
			}
			if err == nil {
				readOnly.Close()
			}
			if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
				t.Errorf("opening changed the file (%v)", err)
			}
		})
	}
}

// A file of format 1 is not changed when opened for reading, and upgraded when opened for writing.
func TestUpgradeOfTheFile(t *testing.T) {
	dir := newClosedStore(t)
	edit(t, dir, func(tx *bbolt.Tx) error { return putNumber(meta(tx), keyFormat, oldFormat) })
	before := readDatabase(t, dir)
	db, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	want(t, db, "a", "1", 1, 1)
	if err := db.Close(); err != nil || !bytes.Equal(before, readDatabase(t, dir)) {
		t.Errorf("reading changed the file (%v)", err)
	}
	db2, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want(t, db2, "a", "1", 1, 1)
	if err := db2.Close(); err != nil {
		t.Fatal(err)
	}
	edit(t, dir, func(tx *bbolt.Tx) error {
		if n, err := number(meta(tx), keyFormat); n != format || err != nil {
			t.Errorf("format %d, %v", n, err)
		}
		return nil
	})
}

func TestNotADatabase(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path, bytes.Repeat([]byte("x"), 1<<16), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(dir, Options{})
	if c, ok := errors.AsType[*store.CorruptError](err); !ok || c.Path != path {
		t.Errorf("got %v", err)
	}
}

func TestCorruptRecord(t *testing.T) {
	for name, stored := range map[string]string{
		"too short":       "1234567",
		"no revision":     "\x00\x00\x00\x00\x00\x00\x00\x00value",
		"negative":        "\xff\x00\x00\x00\x00\x00\x00\x01value",
		"of the future":   "\x00\x00\x00\x00\x00\x00\x00\x02value",
		"far from it all": "\x01\x00\x00\x00\x00\x00\x00\x01value",
	} {
		t.Run(name, func(t *testing.T) {
			dir := newClosedStore(t)
			edit(t, dir, func(tx *bbolt.Tx) error { return records(tx).Put([]byte("a"), []byte(stored)) })
			db := open(t, dir)
			_, _, err := get(t.Context(), db, "a")
			if c, ok := errors.AsType[*store.CorruptError](err); !ok || c.Path != "a" {
				t.Errorf("Get: %v", err)
			}
			err = db.View(t.Context(), func(r store.Reader) error {
				_, err := r.Scan(nil, nil, 10)
				return err
			})
			if c, ok := errors.AsType[*store.CorruptError](err); !ok || c.Path != "a" {
				t.Errorf("Scan: %v", err)
			}
			if name == "of the future" || name == "far from it all" {
				return // a check of a revision that nobody has seen fails
			}
			_, err = db.Commit(t.Context(), store.Batch{Checks: []store.Check{{Key: []byte("a"), Rev: 1}}, Writes: put("b", "1").Writes})
			if c, ok := errors.AsType[*store.CorruptError](err); !ok || c.Path != "a" || !errors.Is(err, store.ErrFailed) {
				t.Errorf("Commit: %v", err)
			}
		})
	}
}
