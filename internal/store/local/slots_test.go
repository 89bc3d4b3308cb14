package local

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

func openSlots(t *testing.T, dir string) *Slots {
	t.Helper()
	s, err := OpenSlots(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSlots(t *testing.T) {
	storetest.TestSlots(t, func(t *testing.T) store.Slots { return openSlots(t, t.TempDir()) })
}

func putSlot(t *testing.T, s *Slots, b byte) (slot string, secret []byte) {
	t.Helper()
	secret = bytes.Repeat([]byte{b}, store.SlotSize)
	slot, err := s.Put(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return slot, secret
}

func readSlots(t *testing.T, dir string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, SlotsName))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The bytes of a cell stay as they are, because files of older versions contain them.
func TestBytesOfACell(t *testing.T) {
	n := slotName{cell: 0x01020304, tag: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}}
	secret := bytes.Repeat([]byte{0xab}, store.SlotSize)
	sum := sha256.Sum256(append([]byte{1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8}, secret...))
	want := slices.Concat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, secret, sum[:16], make([]byte, 8))
	if got := n.encode(secret); !bytes.Equal(got, want) || len(got) != 64 {
		t.Errorf("got  %x\nwant %x", got, want)
	}
	if got, err := n.decode(want); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%x, %v", got, err)
	}
	if n.String() != "16909060-0102030405060708" {
		t.Errorf("the name is %s", n)
	}
}

func TestErasedSlotsAreNotInTheFile(t *testing.T) {
	dir := t.TempDir()
	s := openSlots(t, dir)
	slot, secret := putSlot(t, s, 0xa5)
	kept, other := putSlot(t, s, 0x5a)
	if !bytes.Contains(readSlots(t, dir), secret) {
		t.Fatal("the secret is not where the test looks for it")
	}
	if err := s.Erase(t.Context(), slot); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(readSlots(t, dir), secret[:8]) {
		t.Error("a part of the erased secret is in the file")
	}
	// The slots are the same after the file is opened again.
	s.Close()
	s = openSlots(t, dir)
	if got, err := s.Get(t.Context(), kept); err != nil || !bytes.Equal(got, other) {
		t.Errorf("the kept slot after another opening: %x, %v", got, err)
	}
	if _, err := s.Get(t.Context(), slot); !errors.Is(err, store.ErrNoSlot) {
		t.Errorf("the erased slot after another opening: %v", err)
	}
}

func TestSlotsGrowAndAreUsedAgain(t *testing.T) {
	dir := t.TempDir()
	s := openSlots(t, dir)
	var slots []string
	for range 3 * growth / 2 {
		slot, err := s.Put(t.Context(), make([]byte, store.SlotSize))
		if err != nil {
			t.Fatal(err)
		}
		slots = append(slots, slot)
	}
	size := len(readSlots(t, dir))
	if want := (1 + 2*growth) * cellSize; size != want {
		t.Errorf("the file has %d bytes, want %d", size, want)
	}
	if err := s.Erase(t.Context(), slots...); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = openSlots(t, dir)
	for range 2 * growth {
		if _, err := s.Put(t.Context(), make([]byte, store.SlotSize)); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(readSlots(t, dir)); got != size {
		t.Errorf("the file grew to %d bytes while it had free cells", got)
	}
}

func TestDamagedSlotsAreNotBelieved(t *testing.T) {
	dir := t.TempDir()
	s := openSlots(t, dir)
	slot, _ := putSlot(t, s, 7)
	name, err := parseSlotName(slot)
	if err != nil {
		t.Fatal(err)
	}
	for i := range checkEnd {
		b := readSlots(t, dir)
		b[offset(name.cell)+int64(i)] ^= 1
		if err := os.WriteFile(filepath.Join(dir, SlotsName), b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := s.Get(t.Context(), slot)
		var corrupt *store.CorruptError
		if i < 8 && !errors.Is(err, store.ErrNoSlot) || i >= 8 && !errors.As(err, &corrupt) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
		b[offset(name.cell)+int64(i)] ^= 1
		if err := os.WriteFile(filepath.Join(dir, SlotsName), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, SlotsName), []byte("something else entirely, and longer than a cell of this file is: 64 bytes"), 0o600); err != nil {
		t.Fatal(err)
	}
	var corrupt *store.CorruptError
	if _, err := OpenSlots(dir, nil); !errors.As(err, &corrupt) {
		t.Errorf("a file of something else: %v", err)
	}
}

// A file without its beginning is not initialised again, because its cells may be in use.
func TestSlotsWithoutTheirBeginning(t *testing.T) {
	dir := t.TempDir()
	s := openSlots(t, dir)
	putSlot(t, s, 7)
	s.Close()
	b := readSlots(t, dir)
	copy(b, make([]byte, cellSize))
	if err := os.WriteFile(filepath.Join(dir, SlotsName), b, 0o600); err != nil {
		t.Fatal(err)
	}
	var corrupt *store.CorruptError
	if _, err := OpenSlots(dir, nil); !errors.As(err, &corrupt) {
		t.Errorf("without its first cell: %v", err)
	}
	if !bytes.Equal(readSlots(t, dir), b) {
		t.Error("the damaged file was changed")
	}
}

// After a failed write, every call fails, and failed is called once.
func TestFailedSlotsStayFailed(t *testing.T) {
	dir := t.TempDir()
	var calls sync.WaitGroup
	calls.Add(1) // a second call would panic
	s, err := OpenSlots(dir, func(error) { calls.Done() })
	if err != nil {
		t.Fatal(err)
	}
	slot, _ := putSlot(t, s, 1)
	readOnly, err := os.Open(filepath.Join(dir, SlotsName))
	if err != nil {
		t.Fatal(err)
	}
	writable := s.file
	s.file = readOnly // every write fails from here on
	if _, err := s.Put(t.Context(), make([]byte, store.SlotSize)); !errors.Is(err, store.ErrFailed) {
		t.Errorf("Put: %v", err)
	}
	calls.Wait()
	s.file = writable // but writes are not retried
	if name, err := s.Put(t.Context(), make([]byte, store.SlotSize)); name != "" || !errors.Is(err, store.ErrFailed) {
		t.Errorf("Put after the failure: %q, %v", name, err)
	}
	if err := s.Erase(t.Context(), slot); !errors.Is(err, store.ErrFailed) {
		t.Errorf("Erase after the failure: %v", err)
	}
	if err := errors.Join(s.Close(), readOnly.Close()); err != nil {
		t.Error(err)
	}
}

// A sync is not retried after a failure, because it would succeed without the lost data.
func TestNoSyncAfterAFailedOne(t *testing.T) {
	dir := t.TempDir()
	open(t, dir)
	failed := make(chan error, 2)
	s, err := OpenSlots(dir, func(err error) { failed <- err })
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0) // does not support fsync
	if err != nil {
		t.Fatal(err)
	}
	good := s.file
	s.file = null
	first := s.sync.do(s.fsync)
	s.file = good
	for _, err := range []error{first, s.sync.do(s.fsync), <-failed} {
		if !errors.Is(err, store.ErrFailed) || !strings.Contains(err.Error(), "invalid argument") {
			t.Errorf("got %v", err)
		}
	}
	if err := errors.Join(s.Close(), null.Close()); err != nil || len(failed) > 0 {
		t.Error(err, len(failed))
	}
}
