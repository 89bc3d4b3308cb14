package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// SlotsName is the name of the file of slots, next to the database. Its first cell contains slotsMagic, every
// other cell a slot or zeros.
const SlotsName = "slots"

const (
	slotsMagic = "keyhold slots v1\n"
	growth     = 1024 // number of cells by which the file grows
)

// Slots are the slots of a data folder: a file of 64-byte cells that are written and erased in place. Its
// methods may be called concurrently, within the process that has the folder's database open.
type Slots struct {
	file   *os.File
	failed func(error)
	sync   groupSync
	held   int64 // the file has blocks up to this offset; only Hold uses it
	full   space.Mark

	mu      sync.Mutex
	free    []uint32                 // cells that contain zeros on disk
	erasing map[uint32]chan struct{} // by cell; closed when the erasure has ended
	cells   uint32                   // number of cells in the file, including the first
	err     error                    // why the state on disk is unknown, or nil
	closed  bool
}

var _ store.Slots = (*Slots)(nil)

// OpenSlots opens or creates the slots of a data folder whose database is open. failed, which may be nil, is
// called once if a write or an fsync fails. From then on every call returns an error, and the program should
// stop.
func OpenSlots(dir string, failed func(error)) (*Slots, error) {
	path := filepath.Join(dir, SlotsName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	s := &Slots{file: f, failed: failed, erasing: map[uint32]chan struct{}{}}
	if err := s.load(path); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, durable.SyncFolder(dir)
}

// Put implements [store.Slots].
func (s *Slots) Put(ctx context.Context, secret []byte) (string, error) {
	if len(secret) != store.SlotSize {
		return "", store.ErrInvalid
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	cell, err := s.take()
	if err != nil {
		return "", err
	}
	name := newSlotName(cell)
	err = s.write(map[uint32][]byte{cell: name.encode(secret)})
	if errors.Is(err, space.ErrFull) {
		s.release(cell)
	}
	return name.String(), err
}

// Get implements [store.Slots].
func (s *Slots) Get(_ context.Context, slot string) ([]byte, error) {
	name, err := parseSlotName(slot)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	closed, cells := s.closed, s.cells
	s.mu.Unlock()
	switch {
	case closed:
		return nil, store.ErrClosed
	case name.cell >= cells:
		return nil, store.ErrNoSlot
	}
	var b [cellSize]byte
	defer clear(b[:])
	if _, err := s.file.ReadAt(b[:], offset(name.cell)); err != nil {
		return nil, fmt.Errorf("read the slots: %w", err)
	}
	return name.decode(b[:])
}

// Close implements [store.Slots].
func (s *Slots) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return store.ErrClosed
	}
	s.closed = true
	return s.file.Close()
}

// take returns a free cell, and enlarges the file if there is none.
func (s *Slots) take() (uint32, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refusalLocked(); err != nil {
		return 0, err
	}
	if len(s.free) == 0 {
		// Write zeros instead of only changing the file's length, so that blocks are allocated and later writes
		// to the cells need no others.
		_, err := s.file.WriteAt(make([]byte, growth*cellSize), offset(s.cells))
		if space.Lacks(err) {
			return 0, s.full.Set(err)
		}
		if err != nil {
			return 0, fmt.Errorf("enlarge the slots: %w", err)
		}
		for i := range uint32(growth) {
			s.free = append(s.free, s.cells+growth-1-i)
		}
		s.cells += growth
	}
	last := len(s.free) - 1
	cell := s.free[last]
	s.free = s.free[:last]
	return cell, nil
}

// write writes cells to disk. After space.ErrFull, some of the cells may have been written, each completely or
// not at all.
func (s *Slots) write(cells map[uint32][]byte) error {
	if err := s.refusal(); err != nil {
		return err
	}
	for cell, b := range cells {
		_, err := s.file.WriteAt(b, offset(cell))
		if space.Lacks(err) {
			return s.full.Set(err)
		}
		if err != nil {
			return s.fail(err)
		}
	}
	return s.sync.do(s.fsync)
}

// fsync syncs the file. It must not be called concurrently. It is not repeated after a failure: the kernel
// treats lost data as written, so the next fsync would succeed without it.
func (s *Slots) fsync() error {
	if err := s.refusal(); err != nil {
		return err
	}
	if err := syncData(s.file); err != nil {
		return s.fail(err)
	}
	return nil
}

func (s *Slots) refusal() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refusalLocked()
}

func (s *Slots) refusalLocked() error {
	if s.closed {
		return store.ErrClosed
	}
	return s.err
}

// fail makes all later calls fail. After a failed write or fsync, only a restart shows what the disk contains.
func (s *Slots) fail(cause error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = fmt.Errorf("%w: slots: %w", store.ErrFailed, cause)
		if s.failed != nil {
			go s.failed(s.err)
		}
	}
	return s.err
}

// A groupSync lets concurrent callers share one fsync that begins after all of them have written.
type groupSync struct {
	running sync.Mutex // held while an fsync runs
	mu      sync.Mutex
	next    *flight // has not begun
}

type flight struct {
	done chan struct{}
	err  error
}

func (g *groupSync) do(fsync func() error) error {
	g.mu.Lock()
	f := g.next
	if f != nil {
		g.mu.Unlock()
		<-f.done
		return f.err
	}
	f = &flight{done: make(chan struct{})}
	g.next = f
	g.mu.Unlock()

	g.running.Lock()
	defer g.running.Unlock()
	runtime.Gosched() // lets goroutines that are about to write do so before this fsync
	g.mu.Lock()
	g.next = nil // later callers wrote after this fsync began
	g.mu.Unlock()
	f.err = fsync()
	close(f.done)
	return f.err
}
