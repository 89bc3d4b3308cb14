package audit

import (
	"bytes"
	"context"
	"errors"
	"os"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxSearched is how many bytes of the end of a log Find looks at: some 180,000
// events.
const MaxSearched = 128 << 20

// ErrNotKept means that the log has no file to look at.
var ErrNotKept = errors.New("audit: the log keeps nothing")

// Find returns the newest event of a request, and whether there is one among the
// last MaxSearched bytes. It reads them backwards, some at a time, and holds up no
// Write. It does not see events that are queued and were not accepted by write(2)
// yet. A request that may be in a line that cannot be read is ErrUnreadable.
func (l *Log) Find(ctx context.Context, requestID string) (e Event, found bool, err error) {
	f, ok := l.file.(*os.File)
	if !ok {
		return e, false, ErrNotKept
	}
	info, err := f.Stat()
	if err != nil {
		return e, false, err
	}
	wanted, _ := jsontext.AppendQuote([]byte(`"requestID":`), requestID)
	var damage error
	err = backwards(ctx, f, info.Size(), max(0, info.Size()-MaxSearched), searchedAtOnce, func(c chunk) (more bool, err error) {
		c.lines = c.lines[:bytes.LastIndexByte(c.lines, '\n')+1] // the rest is being written
		e, found = newest(c.lines, wanted, requestID)
		if !found && damage == nil {
			damage = c.damage()
		}
		return !found, nil
	})
	if err == nil && !found {
		err = damage
	}
	return e, found, err
}

// searchedAtOnce is how many bytes Find has in memory, unless a line is longer.
const searchedAtOnce = 4 << 20

// newest returns the last event of a request in some lines. A client may have
// written the same text into a member of its own, as in an encryption context.
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

// damage returns an error for the first line that does not look like an event. To
// parse all lines would cost far more than to search them.
func (c chunk) damage() error {
	return c.each(func(at int64, line []byte) error {
		if !bytes.HasPrefix(line, []byte(`{"eventVersion":`)) || !bytes.HasSuffix(line, []byte("}")) || bytes.IndexByte(line, 0) >= 0 {
			return unreadable(at, errNoEvent)
		}
		return nil
	})
}
