package store

import (
	"context"
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// Reads notes the reads from a shared Store: enough to find the newest revision that may have changed their results. A
// nil *Reads notes nothing.
type Reads struct {
	written int64    // the newest write of a record that was read
	rev     int64    // the newest View that found a record absent, or that read a range
	gaps    []uint16 // the marks of absent records and ranges
}

// Note adds a revision that wrote a record.
func (r *Reads) Note(written int64) {
	if r != nil {
		r.written = max(r.written, written)
	}
}

// another returns a Reads of a View, for add. So r stays on the stack of a caller that finds everything in memory.
func (r *Reads) another() *Reads {
	if r == nil {
		return nil
	}
	return &Reads{}
}

// add adds the reads of another Reads.
func (r *Reads) add(other *Reads) {
	if r != nil {
		r.written, r.rev, r.gaps = max(r.written, other.written), max(r.rev, other.rev), append(r.gaps, other.gaps...)
	}
}

// Written returns the newest revision that wrote a record that was read.
func (r *Reads) Written() int64 { return r.written }

// IsOf reports whether all was read as it was at a revision that the feed had told, or has not changed since.
func (r *Reads) IsOf(told int64) bool { return r == nil || r.written <= told && r.rev <= told }

// HasGaps reports whether a record was absent or a range was read. Then only the feed tells the last change.
func (r *Reads) HasGaps() bool { return len(r.gaps) > 0 }

// NewestOf returns the newest revision that may have changed the results of the reads. If a record was absent, or a
// range was read, NewestOf first waits until the feed has reported the revision of the View.
func (s *Store) NewestOf(ctx context.Context, r Reads) (int64, error) {
	if !r.HasGaps() {
		return r.written, nil
	}
	if err := s.AwaitTold(ctx, r.rev); err != nil {
		return 0, err
	}
	newest := r.written
	for _, gap := range r.gaps {
		newest = max(newest, s.shared.marks.newest(gap, r.rev))
	}
	return newest, nil
}

// Record makes the View note its reads in r. If r is nil, the View notes nothing.
func (v *View) Record(r *Reads) { v.reads = r }

// Record is [View.Record] for the transaction.
func (tx *Tx) Record(r *Reads) { tx.view.reads = r }

// note notes a record that was read. Revision 0 means that the record is absent.
func (v *View) note(path string, written int64) {
	switch {
	case v.reads == nil:
	case written > 0:
		v.reads.Note(written)
	default:
		v.noteGap(path)
	}
}

// noteRange notes a range that was read, and its records.
func (v *View) noteRange(prefix string, items []Item) {
	if v.reads == nil {
		return
	}
	for _, item := range items {
		v.reads.Note(item.Rev)
	}
	v.noteGap(prefix[:strings.LastIndexByte(prefix, '/')+1])
}

// noteGap notes that a path is absent, or that a directory was read.
func (v *View) noteGap(path string) {
	if v.marks == nil {
		return
	}
	v.reads.rev = max(v.reads.rev, v.Rev())
	v.reads.gaps = append(v.reads.gaps, v.marks.of(path))
}

// marks has the revisions that last wrote each path and each directory, as far as the feed has told. Paths with the
// same hash share a mark, so a mark may be newer than its path.
type marks struct {
	seed maphash.Seed
	all  atomic.Int64 // may have written every path
	at   [1 << 16]mark
}

// A mark has the last two writes, so that a transaction that creates a record does not wait for itself. Only the feed
// raises it.
type mark struct{ last, before atomic.Int64 }

func newMarks() *marks { return &marks{seed: maphash.MakeSeed()} }

// of returns the mark of a path, or of a directory, which ends with "/".
func (m *marks) of(path string) uint16 { return uint16(maphash.String(m.seed, path)) }

// raise notes that a revision wrote a path.
func (m *marks) raise(path string, rev int64) {
	m.at[m.of(path)].raise(rev)
	for i := range len(path) {
		if path[i] == '/' {
			m.at[m.of(path[:i+1])].raise(rev)
		}
	}
}

func (m *mark) raise(rev int64) {
	if last := m.last.Load(); last < rev {
		m.before.Store(last)
		m.last.Store(rev)
	}
}

// newest returns the newest write of a mark up to a revision that the feed has told, or a later one up to it.
func (m *marks) newest(of uint16, upTo int64) int64 {
	written := m.at[of].last.Load()
	if written > upTo {
		written = m.at[of].before.Load()
	}
	return min(upTo, max(written, m.all.Load()))
}

// raise stores the greater one of two numbers.
func raise(n *atomic.Int64, to int64) {
	for {
		old := n.Load()
		if to <= old || n.CompareAndSwap(old, to) {
			return
		}
	}
}

// marks returns the marks of a shared Store, or nil.
func (s *Store) marks() *marks {
	if s.shared == nil {
		return nil
	}
	return s.shared.marks
}
