package audit

import (
	"bytes"
	"context"
	"time"
)

// A Page has the events of a part of a log that a query selects.
type Page struct {
	Lines   []Line  // of the events; a line that is longer than PageBounds.Bytes is nil
	Next    int64   // the index from which the next Page goes on
	Altered []int64 // indexes of lines that are not as they were written, at most mostAltered
}

// PageBounds limit a Page and the work for it. All must be positive.
type PageBounds struct {
	Events  int   // number of events
	Bytes   int64 // of their lines
	Scanned int64 // bytes that are read, besides the part of one segment in front of the first line
}

// mostAltered limits Page.Altered.
const mostAltered = 16

// Range returns the index of the oldest line that was not deleted, and the index after the newest line. The error is
// ErrNotKept if the log is not in a file, and ErrNoKeys if it has no keys.
func (l *Log) Range() (first, end int64, err error) {
	switch {
	case !l.Kept():
		return 0, 0, ErrNotKept
	case l.ledger == nil:
		return 0, 0, ErrNoKeys
	}
	f := l.Reader()
	return f.First(), f.Size(), nil
}

// Page returns events of the lines from index from up to index end, which is at most the end of the Range. It verifies
// the chain of each line that it reads, except the first line after lines that it leaves out.
func (l *Log) Page(ctx context.Context, q Query, from, end int64, b PageBounds) (p Page, err error) {
	p.Next = from
	scanned, size := int64(0), int64(0)
	check := lineCheck{chain: newChain(l.protection.Chain, 0, [chainSize]byte{})}
	for at, err := range l.Reader().Between(ctx, q.From, q.To, max(0, from-1)) {
		if err != nil {
			return p, err
		}
		if at.Index >= end {
			break
		}
		right := check.isRight(at)
		if at.Index < from {
			continue
		}
		if scanned >= b.Scanned {
			return p, ctx.Err()
		}
		scanned += lengthOf(at.Line)
		if _, selected := q.Match(at.Line); selected {
			line := Line{Index: at.Index}
			if n := int64(len(at.Line)); n <= b.Bytes {
				line.Line, size = bytes.Clone(at.Line), size+n
			}
			if len(p.Lines) == b.Events || size > b.Bytes {
				return p, nil
			}
			p.Lines = append(p.Lines, line)
		}
		if p.Next = at.Index + 1; !right && len(p.Altered) < mostAltered {
			p.Altered = append(p.Altered, at.Index)
		}
	}
	p.Next = max(from, end)
	return p, ctx.Err()
}

// lengthOf returns the length of a line with its newline. A line that is too long is nil.
func lengthOf(line []byte) int64 {
	if line == nil {
		return maxLine
	}
	return int64(len(line)) + 1
}

// A lineCheck verifies the chain of lines, some of which may be left out.
type lineCheck struct {
	chain *chain
}

// isRight reports whether the chain of a line is right, or unknown because the line before was left out.
func (c lineCheck) isRight(at Line) bool {
	if at.Index == c.chain.index {
		_, right := c.chain.check(at.Line)
		return right
	}
	c.chain.value, _ = chainOf(at.Line)
	c.chain.index = at.Index + 1
	return true
}

// clockMargin is how far the clock of a server may have gone back between an event and the end of its segment.
const clockMargin = time.Hour

// FirstAfter returns the index of the first line of the oldest segment that can have an event of a time.
func (l *Log) FirstAfter(happened time.Time) (int64, error) {
	all, err := readLayout(FolderOf(l.path))
	if err != nil {
		return 0, err
	}
	for _, s := range all.closed {
		if !s.Closed.Before(happened.Add(-clockMargin)) {
			return s.First, nil
		}
	}
	index, _ := all.end()
	return index, nil
}
