package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrDeleted means that lines were deleted because they reached the age limit. Their hashes remain.
var ErrDeleted = errors.New("these lines of the audit log were deleted because of their age")

// A Reader reads the log of one node. Implementations: Memory, and the folders of package audit.
type Reader interface {
	// Size returns the number of lines that the log has ever had. It may grow between two calls.
	Size() int64
	// First returns the index of the oldest line that was not deleted, or Size.
	First() int64
	// Lines returns the lines from an index on, in order, up to the Size at the time of the call. A line has no
	// newline, and is valid until the next one. If from is below First, the only element is an ErrDeleted. After an
	// error there are no more lines.
	Lines(ctx context.Context, from int64) iter.Seq2[[]byte, error]
	// ReadHashes returns hashes of the tree by their storage index (tlog.StoredHashIndex), also of deleted lines.
	tlog.HashReader
}

// Leaf returns the hash of a line in the tree. A newline at the end does not belong to the line.
func Leaf(line []byte) tlog.Hash { return tlog.RecordHash(bytes.TrimSuffix(line, []byte("\n"))) }

// Memory is a Reader in memory, for tests.
type Memory struct {
	lines  [][]byte
	hashes []tlog.Hash // by storage index
}

// Append adds a line.
func (m *Memory) Append(line []byte) {
	line = bytes.Clone(bytes.TrimSuffix(line, []byte("\n")))
	hashes, err := tlog.StoredHashes(m.Size(), line, m)
	if err != nil {
		panic(err) // the hashes of all earlier lines are in memory
	}
	m.lines, m.hashes = append(m.lines, line), append(m.hashes, hashes...)
}

// Size implements Reader.
func (m *Memory) Size() int64 { return int64(len(m.lines)) }

// First implements Reader. Nothing is ever deleted.
func (m *Memory) First() int64 { return 0 }

// Lines implements Reader.
func (m *Memory) Lines(_ context.Context, from int64) iter.Seq2[[]byte, error] {
	lines := m.lines[min(from, m.Size()):]
	return func(yield func([]byte, error) bool) {
		for _, line := range lines {
			if !yield(line, nil) {
				return
			}
		}
	}
}

// ReadHashes implements Reader.
func (m *Memory) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		if x < 0 || x >= int64(len(m.hashes)) {
			return nil, fmt.Errorf("there is no hash %d in a tree of %d lines", x, m.Size())
		}
		found[i] = m.hashes[x]
	}
	return found, nil
}
