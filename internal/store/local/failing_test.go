package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/keyhold/keyhold/internal/store"
)

// Every call on slots returns the error of the file.
func TestErrorsOfTheSlotsFile(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenSlots(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	slot, _ := putSlot(t, s, 1)
	s.free = nil // the next slot needs a larger file
	if err := s.file.Close(); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Get(t.Context(), slot); b != nil || !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), "read the slots") {
		t.Errorf("Get: %v", err)
	}
	if name, err := s.Put(t.Context(), make([]byte, store.SlotSize)); name != "" || !errors.Is(err, os.ErrClosed) || !strings.Contains(err.Error(), "enlarge the slots") {
		t.Errorf("Put: %q, %v", name, err)
	}
	if err := s.load("path"); err == nil {
		t.Error("load returns no error")
	}
	if s.Hold(0) == nil {
		t.Error("Hold returns no error")
	}
}

// A folder in the place of the file of slots is an error of the system, and so is a folder that does not exist.
func TestSlotsThatAreNoFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, SlotsName), 0o700); err != nil {
		t.Fatal(err)
	}
	if s, err := OpenSlots(dir, nil); s != nil || err == nil || !strings.Contains(err.Error(), "data folder") {
		t.Errorf("OpenSlots: %v", err)
	}
	if s, err := OpenSlotsReadOnly(dir); s != nil || err == nil || !strings.Contains(err.Error(), "read the slots") {
		t.Errorf("OpenSlotsReadOnly: %v", err)
	}
	none := filepath.Join(dir, "none")
	if s, err := OpenSlots(none, nil); s != nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("OpenSlots: %v", err)
	}
	if s, err := OpenSlotsReadOnly(filepath.Join(dir, SlotsName)); s != nil || !isCorrupt(err) {
		t.Errorf("OpenSlotsReadOnly: %v", err)
	}
}

// The file of slots can be shorter than a cell only if it contains nothing.
func TestShortFilesOfSlots(t *testing.T) {
	for content, ok := range map[string]bool{
		"": true, "\x00": true, strings.Repeat("\x00", cellSize): true, strings.Repeat("\x00", cellSize+1): false,
		"k": false, slotsMagic: false, strings.Repeat("\x00", cellSize-1) + "k": false,
		slotsMagic + strings.Repeat("\x00", cellSize-len(slotsMagic)): true,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, SlotsName), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := OpenSlots(dir, nil)
		if ok != (err == nil) || err != nil && !isCorrupt(err) {
			t.Errorf("%q: %v", content, err)
		}
		if err != nil {
			continue
		}
		if s.cells != 1 {
			t.Errorf("%q: %d cells", content, s.cells)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := string(readSlots(t, dir)); got != slotsMagic+strings.Repeat("\x00", cellSize-len(slotsMagic)) {
			t.Errorf("%q became %q", content, got)
		}
	}
}

// The meta pages are written again only if both exist.
func TestSyncOfMetaPages(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := syncMetaPages(path, 16); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	for content, ok := range map[string]bool{"0123456789abcdef0123456789ABCDEF": true, "0123456789abcdef0123456789ABCDE": false, "": false} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syncMetaPages(path, 16); (err == nil) != ok {
			t.Errorf("%d bytes: %v", len(content), err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("%d bytes became %q, %v", len(content), got, err)
		}
	}
}

// The map of the file has room for growth.
func TestSizesOfTheMap(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if got := mapSizes(path); !slices.Equal(got, []int{64 << 30, 1 << 30}) {
		t.Errorf("no file: %d", got)
	}
	for _, size := range []int64{0, narrowMap / 2, narrowMap/2 + 1, wideMap / 4, wideMap/4 + 1, wideMap} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		if got := mapSizes(path); !slices.Equal(got, []int{int(max(64<<30, 4*size)), int(max(1<<30, 2*size))}) {
			t.Errorf("%d bytes: %d", size, got)
		}
	}
}

// A sync of a closed file fails.
func TestSyncOfAClosedFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syncData(f); err != nil {
		t.Error(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if syncData(f) == nil {
		t.Error("the sync of a closed file returns no error")
	}
}

// A slot behind the end of the file does not exist, however the file was opened.
func TestSlotBehindTheEnd(t *testing.T) {
	dir := t.TempDir()
	s := openSlots(t, dir)
	slot, _ := putSlot(t, s, 1)
	read, err := OpenSlotsReadOnly(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	_, tag, _ := strings.Cut(slot, "-")
	if s.cells != 1025 || read.cells != s.cells {
		t.Errorf("%d cells, and %d read-only", s.cells, read.cells)
	}
	for _, cell := range []string{"1025", "1026", "4294967295"} {
		for _, s := range []*Slots{s, read} {
			if _, err := s.Get(t.Context(), cell+"-"+tag); err != store.ErrNoSlot {
				t.Errorf("%s: %v", cell, err)
			}
		}
	}
}

// Only the name that Put returned names a slot.
func TestNamesOfSlots(t *testing.T) {
	s := openSlots(t, t.TempDir())
	slot, _ := putSlot(t, s, 1)
	cell, tag, _ := strings.Cut(slot, "-")
	if _, err := s.Get(t.Context(), slot); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"", cell, cell + "-", "-" + tag, tag, cell + tag, "0-" + tag, "x-" + tag, "-1-" + tag, "4294967296-" + tag, cell + "x-" + tag,
		cell + "-" + tag[:14], cell + "-" + tag[:15], cell + "-" + tag + "0", cell + "-" + tag + "00", cell + "-" + tag + "zz",
		cell + "-" + tag[:14] + "zz", cell + "-" + tag + "-", " " + slot, slot + " ",
	} {
		if _, err := s.Get(t.Context(), name); err != store.ErrNoSlot {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// Hold of the database returns the error of each step.
func TestErrorsOfHold(t *testing.T) {
	db := open(t, t.TempDir())
	if err := os.Rename(db.path, db.path+"2"); err != nil {
		t.Fatal(err)
	}
	if err := db.Hold(1); !errors.Is(err, os.ErrNotExist) || db.held != 0 {
		t.Errorf("without the file: %v, %d bytes are held", err, db.held)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Hold(1); err == nil {
		t.Error("a closed store holds space")
	}
}

// Hold remembers how much it has reserved.
func TestHoldRemembers(t *testing.T) {
	s := openSlots(t, t.TempDir())
	putSlot(t, s, 1)
	for range 2 {
		if err := s.Hold(1); err != nil {
			t.Fatal(err)
		}
		if want := offset(s.cells + growth); s.held != want {
			t.Errorf("%d bytes are held, want %d", s.held, want)
		}
	}
	if err := s.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Hold(1); err != nil {
		t.Errorf("Hold reserves again: %v", err)
	}
}

// Hold of the database reserves one and a half times the requested size, behind the last page.
func TestHoldReservesBehindThePages(t *testing.T) {
	db := open(t, t.TempDir())
	for i := range 20 { // fills more pages than a new file has
		mustPut(t, db, fmt.Sprint("k", i), strings.Repeat("v", 50_000))
	}
	var used int64
	if err := db.bolt.View(func(tx *bbolt.Tx) error { used = tx.Size(); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, held := range []int64{0, used, used + 999} {
		db.held = held
		if err := db.Hold(1000); err != nil {
			t.Fatal(err)
		}
		if want := used + 1500; db.held != want {
			t.Errorf("%d bytes are held after %d, want %d", db.held, held, want)
		}
	}
	db.held = used + 1000
	if err := db.Hold(1000); err != nil || db.held != used+1000 {
		t.Errorf("%d bytes are held although %d were enough, %v", db.held, used+1000, err)
	}
}
