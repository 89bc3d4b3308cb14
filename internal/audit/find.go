package audit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxSearched is how many bytes of the end of a log Find looks at: some 1,500,000
// events.
const MaxSearched = 1 << 30

// ErrNotKept means that the log has no file to look at.
var ErrNotKept = errors.New("audit: the log keeps nothing")

// Find returns the newest event of a request, and whether there is one among the
// last MaxSearched bytes. It reads them backwards, some at a time, and holds up no
// Write. What is queued and was not accepted by write(2) yet, it does not see.
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
	err = backwards(ctx, f, info.Size(), func(lines []byte) bool {
		e, found = newest(lines, wanted, requestID)
		return !found
	})
	return e, found, err
}

// searchedAtOnce is more than any line has.
const searchedAtOnce = 4 * maxLine

// backwards calls fn with whole lines, the last ones first, until it returns false
// or enough was searched.
func backwards(ctx context.Context, f io.ReaderAt, end int64, fn func(lines []byte) bool) error {
	buf := make([]byte, searchedAtOnce)
	for least := max(0, end-MaxSearched); end > least; {
		if err := ctx.Err(); err != nil {
			return err
		}
		from := max(0, end-searchedAtOnce)
		lines := buf[:end-from]
		if _, err := f.ReadAt(lines, from); err != nil && err != io.EOF {
			return err
		}
		// It begins in a line, most often, which is for the next step. One that is
		// longer than all of this is no event, and is passed over.
		if cut := bytes.IndexByte(lines, '\n') + 1; from > 0 && cut < len(lines) {
			lines, from = lines[cut:], from+int64(cut)
		}
		if !fn(lines) {
			return nil
		}
		end = from
	}
	return nil
}

// newest returns the last event of a request in some lines. A client may have
// written the same text into a member of its own, as in an encryption context.
func newest(lines, wanted []byte, requestID string) (e Event, found bool) {
	for {
		at := bytes.Index(lines, wanted)
		if at < 0 {
			return e, found
		}
		begin := bytes.LastIndexByte(lines[:at], '\n') + 1
		end := bytes.IndexByte(lines[at:], '\n')
		if end < 0 {
			return e, found // it is being written
		}
		if parsed, err := parseEvent(lines[begin : at+end]); err == nil && parsed.RequestID == requestID {
			e, found = parsed, true
		}
		lines = lines[at+end+1:]
	}
}
