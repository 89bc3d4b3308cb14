package local

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/keyhold/keyhold/internal/store"
)

// A cell contains, in this order: tag (8 random bytes), secret (32), check (16, the beginning of SHA-256 over
// cell number, tag and secret), zeros (8). A cell lies within one disk sector, so a write of it is atomic.
const (
	cellSize  = 64
	secretEnd = 8 + store.SlotSize
	checkEnd  = secretEnd + 16
)

func offset(cell uint32) int64 { return int64(cell) * cellSize }

// A slotName is the cell of a slot, and a tag that distinguishes the slot from earlier and later slots in this
// cell.
type slotName struct {
	cell uint32
	tag  [8]byte
}

func newSlotName(cell uint32) slotName {
	n := slotName{cell: cell}
	rand.Read(n.tag[:])
	return n
}

// String allocates once: the slot of new material gets its name in secret mode, where allocations are expensive.
func (n slotName) String() string {
	b := strconv.AppendUint(make([]byte, 0, 32), uint64(n.cell), 10)
	return string(hex.AppendEncode(append(b, '-'), n.tag[:]))
}

func parseSlotName(s string) (slotName, error) {
	number, digits, _ := strings.Cut(s, "-")
	cell, err1 := strconv.ParseUint(number, 10, 32)
	tag, err2 := hex.DecodeString(digits)
	if err1 != nil || err2 != nil || cell == 0 || len(tag) != 8 {
		return slotName{}, store.ErrNoSlot
	}
	return slotName{uint32(cell), [8]byte(tag)}, nil
}

func (n slotName) encode(secret []byte) []byte {
	b := make([]byte, 0, cellSize)
	b = append(b, n.tag[:]...)
	b = append(b, secret...)
	check := n.check(secret)
	b = append(b, check[:]...)
	return b[:cellSize]
}

// decode returns the secret in the bytes of the cell, or ErrNoSlot if the cell has another slot's tag.
func (n slotName) decode(b []byte) ([]byte, error) {
	if !bytes.Equal(b[:8], n.tag[:]) {
		return nil, store.ErrNoSlot
	}
	if check := n.check(b[8:secretEnd]); !bytes.Equal(b[secretEnd:checkEnd], check[:]) {
		return nil, &store.CorruptError{Path: SlotsName + " " + n.String(), Err: errors.New("wrong checksum")}
	}
	return bytes.Clone(b[8:secretEnd]), nil
}

func (n slotName) check(secret []byte) [checkEnd - secretEnd]byte {
	text := binary.BigEndian.AppendUint32(make([]byte, 0, 4+secretEnd), n.cell)
	text = append(append(text, n.tag[:]...), secret...)
	defer clear(text)
	sum := sha256.Sum256(text)
	return [checkEnd - secretEnd]byte(sum[:])
}

// load finds the free cells. A file that is empty or contains only zeros up to the first cell is initialised,
// because nothing in it ever reached the disk. A longer file without its first cell is damaged, and its cells
// may be in use.
func (s *Slots) load(path string) error {
	r := bufio.NewReaderSize(s.file, 1<<20)
	var first, cell [cellSize]byte
	n, err := io.ReadFull(r, first[:])
	info, statErr := s.file.Stat()
	if statErr != nil {
		return statErr
	}
	if info.Size() <= cellSize && bytes.Equal(first[:n], make([]byte, n)) {
		copy(first[:], slotsMagic)
		if _, err := s.file.WriteAt(first[:], 0); err != nil {
			return fmt.Errorf("create the slots: %w", err)
		}
		s.cells = 1
		return s.file.Sync()
	}
	if err != nil || !bytes.HasPrefix(first[:], []byte(slotsMagic)) {
		return &store.CorruptError{Path: path, Err: errors.New("not a file of slots of a version that this program supports")}
	}
	for s.cells = 1; ; s.cells++ {
		_, err := io.ReadFull(r, cell[:])
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return fmt.Errorf("read the slots: %w", err)
		case cell == [cellSize]byte{}:
			s.free = append(s.free, s.cells)
		}
	}
}
