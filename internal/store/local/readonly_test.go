package local

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
)

func TestReadOnly(t *testing.T) {
	dir := newClosedStore(t)
	s := openSlots(t, dir)
	slot, secret := putSlot(t, s, 1)
	s.Close()
	before := [2][]byte{readSlots(t, dir), readDatabase(t, dir)}
	db, err := OpenReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	other, err := OpenReadOnly(dir) // readers do not block each other
	if err != nil {
		t.Fatal(err)
	}
	if s, err = OpenSlotsReadOnly(dir); err != nil {
		t.Fatal(err)
	}
	want(t, db, "a", "1", 1, 1)
	if got, err := s.Get(t.Context(), slot); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("a slot: %x, %v", got, err)
	}
	_, err = db.Commit(t.Context(), put("b", "2"))
	_, putErr := s.Put(t.Context(), secret)
	for name, err := range map[string]error{"Commit": err, "Put": putErr, "Erase": s.Erase(t.Context(), slot)} {
		if !errors.Is(err, errReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, store.ErrInUse) {
		t.Errorf("Open meanwhile: %v", err)
	}
	if err := errors.Join(s.Close(), other.Close(), db.Close()); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(before[0], readSlots(t, dir)) || !bytes.Equal(before[1], readDatabase(t, dir)) {
		t.Error("something was written")
	}
	open(t, dir)
	if _, err := OpenReadOnly(dir); !errors.Is(err, store.ErrInUse) {
		t.Errorf("of a folder in use: %v", err)
	}
}

func readDatabase(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Opening for reading does not create missing files.
func TestReadOnlyMakesNothing(t *testing.T) {
	dir := t.TempDir()
	if _, err := OpenReadOnly(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no database: %v", err)
	}
	if _, err := OpenSlotsReadOnly(dir); !isCorrupt(err) {
		t.Errorf("no slots: %v", err)
	}
	if left, err := os.ReadDir(dir); len(left) > 0 || err != nil {
		t.Errorf("made: %v, %v", left, err)
	}
	for name, content := range map[string]string{"empty": "", "something else": "something else", "zeros": strings.Repeat("\x00", 1<<15)} {
		for _, file := range []string{FileName, SlotsName} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := OpenReadOnly(dir); !isCorrupt(err) {
			t.Errorf("a database that is %s: %v", name, err)
		}
		if _, err := OpenSlotsReadOnly(dir); !isCorrupt(err) {
			t.Errorf("slots that are %s: %v", name, err)
		}
		if string(readDatabase(t, dir)) != content || string(readSlots(t, dir)) != content {
			t.Errorf("%s: something was written", name)
		}
	}
}

func TestEachSlot(t *testing.T) {
	dir := t.TempDir()
	s := openSlots(t, dir)
	wanted := map[string]bool{}
	for range growth + 10 {
		slot, _ := putSlot(t, s, 3)
		wanted[slot] = true
	}
	erased, _ := putSlot(t, s, 3)
	if err := s.Erase(t.Context(), erased); err != nil {
		t.Fatal(err)
	}
	each := func() (damaged []string) {
		left := len(wanted)
		err := s.Each(t.Context(), "", func(slot string, err error) bool {
			switch {
			case err != nil:
				damaged = append(damaged, err.Error())
			case wanted[slot]:
				left--
			default:
				t.Errorf("%s is not in use", slot)
			}
			return true
		})
		if err != nil || left != len(damaged) {
			t.Errorf("%d slots are missing, %d are damaged, %v", left, len(damaged), err)
		}
		return damaged
	}
	if damaged := each(); len(damaged) > 0 {
		t.Errorf("damaged: %v", damaged)
	}
	slot, _ := putSlot(t, s, 4)
	wanted[slot] = true
	name, err := parseSlotName(slot)
	if err != nil {
		t.Fatal(err)
	}
	for at := range int64(cellSize) {
		b := readSlots(t, dir)
		b[offset(name.cell)+at] ^= 1
		if err := os.WriteFile(filepath.Join(dir, SlotsName), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if damaged := each(); len(damaged) != 1 || !strings.Contains(damaged[0], SlotsName) {
			t.Errorf("byte %d flipped: %v", at, damaged)
		}
		b[offset(name.cell)+at] ^= 1
		if err := os.WriteFile(filepath.Join(dir, SlotsName), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
