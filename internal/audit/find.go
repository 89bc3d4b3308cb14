package audit

import (
	"bytes"
	"context"
	"errors"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxSearched is the number of bytes at the end of a log that Find searches: about 180,000 events.
const MaxSearched = 128 << 20

// ErrNotKept means that the log does not keep events, so it cannot be searched.
var ErrNotKept = errors.New("audit: the log keeps no events")

// ErrNoKeys means that the log was begun on a full disk, and gets its keys at the next start.
var ErrNoKeys = errors.New("audit: the log has no keys yet")

// Find returns the newest event of a request among the last MaxSearched bytes of the log, and whether there is
// one. It reads the log backwards in chunks, a closed segment as a whole, and does not delay writes. It does not find
// events that are still queued. If the event is not found but a damaged line could contain it, the error is
// ErrUnreadable.
func (l *Log) Find(ctx context.Context, requestID string) (e Event, found bool, err error) {
	if l.path == "" {
		return e, false, ErrNotKept
	}
	p, err := (&Folder{path: l.path}).parts()
	if err != nil {
		return e, false, err
	}
	defer p.close()
	wanted, _ := jsontext.AppendQuote([]byte(`"requestID":`), requestID)
	size := p.current.Size()
	var damage error
	err = backwards(ctx, p.current, size, max(0, size-MaxSearched), searchedAtOnce,
		func(c chunk) (more bool, err error) {
			c.lines = c.lines[:bytes.LastIndexByte(c.lines, '\n')+1] // the last line may be incomplete
			e, found = newest(c.lines, wanted, requestID)
			if !found && damage == nil {
				damage = c.damage()
			}
			return !found, nil
		})
	if err == nil && !found && size < MaxSearched {
		_, end := p.layout.end()
		e, found, err = p.layout.find(ctx, wanted, requestID, end-(MaxSearched-size))
	}
	if err == nil && !found {
		err = damage
	}
	return e, found, err
}

// find is Find in the closed segments that have lines after an offset.
func (l layout) find(
	ctx context.Context, wanted []byte, requestID string, least int64,
) (e Event, found bool, err error) {
	var damage error
	for i := len(l.closed) - 1; i >= 0 && !found && err == nil && l.closed[i].EndByte > least; i-- {
		l.readSegment(ctx, i, 0, func(at place, failed error) bool {
			err = failed
			if parsed, ok := newest(append(at.line, '\n'), wanted, requestID); ok {
				e, found = parsed, true
			}
			if damage == nil && err == nil {
				damage = chunk{at.offset, at.line}.damage()
			}
			return err == nil
		})
	}
	if err == nil && !found {
		err = damage
	}
	return e, found, err
}

// searchedAtOnce is the size in bytes of a chunk that Find reads. A longer line makes a longer chunk.
const searchedAtOnce = 4 << 20

// newest returns the last event of the request in some lines. It parses each match, because a client can send
// the same text as a value of its own, for example in an encryption context.
func newest(lines, wanted []byte, requestID string) (e Event, found bool) {
	for {
		at := bytes.Index(lines, wanted)
		if at < 0 {
			return e, found
		}
		begin := bytes.LastIndexByte(lines[:at], '\n') + 1
		end := at + bytes.IndexByte(lines[at:], '\n')
		if parsed, err := parseEvent(lines[begin:end]); err == nil && parsed.RequestID == requestID {
			e, found = parsed, true
		}
		lines = lines[end+1:]
	}
}

// damage returns an error for the first line that does not look like an event. It does not parse the lines,
// because that would take much longer than the search.
func (c chunk) damage() error {
	return c.each(func(at int64, line []byte) error {
		if !bytes.HasPrefix(line, []byte(`{"eventVersion":`)) || !bytes.HasSuffix(line, []byte("}")) ||
			bytes.ContainsRune(line, 0) {
			return unreadable(at, errNoEvent)
		}
		return nil
	})
}
