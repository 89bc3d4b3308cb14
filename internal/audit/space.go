package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/space"
)

// tryEvery is how long the writer waits for space before it tries again.
const tryEvery = 250 * time.Millisecond

// A room is the blocks that are kept for the file beyond its end.
type room struct {
	mu sync.Mutex
	to int64 // the offset to which the file has blocks, as far as is known
}

// put writes the lines of a batch, and waits while there is no space for the lines. The
// callers of Write that wait for the batch get their answer when the batch is written, or
// after Options.MaxWait.
func (l *Log) put(lines []byte) error {
	for {
		n, err := l.file.Write(lines)
		switch {
		case err == nil && n == len(lines):
			l.length += int64(n)
			return nil
		case err == nil:
			return io.ErrShortWrite
		case !space.Lacks(err):
			return err
		}
		if failed := l.cutBack(n); failed != nil {
			return errors.Join(err, failed)
		}
		if !l.waitForSpace(err) {
			return err
		}
	}
}

// cutBack removes what a write that failed has written, so that the next one begins
// where the failed one began.
func (l *Log) cutBack(written int) error {
	if written == 0 {
		return nil
	}
	l.room.mu.Lock()
	defer l.room.mu.Unlock()
	l.room.to = 0 // blocks beyond the new end are free now
	return l.file.Truncate(l.length)
}

// waitForSpace reports whether the writer is to try again. Meanwhile the log refuses
// events because of the cause.
func (l *Log) waitForSpace(cause error) bool {
	l.mu.Lock()
	l.lacking = space.Full(fmt.Errorf("audit: write: %w", cause))
	l.mu.Unlock()
	select {
	case <-l.closing:
		return false
	case <-time.After(tryEvery):
		return true
	}
}

// full returns why the log takes no events until there is space, or nil.
func (l *Log) full() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lacking
}

// Hold implements space.Holder.
func (l *Log) Hold(bytes int64) error {
	f, ok := l.file.(*os.File)
	if err := l.full(); err != nil || !ok {
		return err
	}
	end := l.End()
	l.room.mu.Lock()
	defer l.room.mu.Unlock()
	if end+bytes <= l.room.to {
		return nil
	}
	to := end + bytes + bytes/2 // so that the next time is not soon
	if err := space.Allocate(f, max(end, l.room.to), to); err != nil {
		return err
	}
	l.room.to = to
	return nil
}
