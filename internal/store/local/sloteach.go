package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/keyhold/keyhold/internal/store"
)

// Each implements [store.Slots]. Slots come in the order of their cells.
func (s *Slots) Each(ctx context.Context, after string, fn func(slot string, damage error) bool) error {
	cell, err := cellAfter(after)
	if err != nil {
		return err
	}
	s.mu.Lock()
	closed, cells := s.closed, s.cells
	s.mu.Unlock()
	if closed {
		return store.ErrClosed
	}
	r := io.NewSectionReader(s.file, offset(cell), offset(cells)-offset(cell))
	chunk := make([]byte, growth*cellSize)
	defer clear(chunk)
	for cell < cells {
		n, err := io.ReadFull(r, chunk[:min(len(chunk), int(offset(cells-cell)))])
		if err := errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("read the slots: %w", err)
		}
		for b := range slices.Chunk(chunk[:n], cellSize) {
			if !bytes.Equal(b, make([]byte, cellSize)) && !fn(slotOf(cell, b)) {
				return nil
			}
			cell++
		}
	}
	return nil
}

// cellAfter returns the first cell behind a slot, or the first cell of all.
func cellAfter(slot string) (uint32, error) {
	if slot == "" {
		return 1, nil
	}
	name, err := parseSlotName(slot)
	return name.cell + 1, err
}

// slotOf returns the name of the slot in a cell.
func slotOf(cell uint32, b []byte) (string, error) {
	name := slotName{cell, [8]byte(b)}
	secret, err := name.decode(b)
	clear(secret)
	if err == nil && !bytes.Equal(b[checkEnd:], make([]byte, cellSize-checkEnd)) {
		err = corrupt(SlotsName+" "+name.String(), errors.New("the bytes after the checksum are not zero"))
	}
	return name.String(), err
}
