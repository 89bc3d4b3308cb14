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

// tryEvery is how often the writer retries while there is no space.
const tryEvery = 250 * time.Millisecond

// A room describes the disk blocks that are allocated beyond the end of the file.
type room struct {
	mu sync.Mutex
	to int64 // the file is known to have blocks up to this offset
}

// writeBatch writes the lines of a batch, and waits while there is no space. Callers of Write that wait for the batch
// return when it is written, or after Options.MaxWait.
func (l *Log) writeBatch(lines []byte) error {
	for {
		n, err := l.current().Write(lines)
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

// cutBack removes the bytes that a failed write has written, so that the next write starts at the same offset.
func (l *Log) cutBack(written int) error {
	if written == 0 {
		return nil
	}
	l.room.mu.Lock()
	defer l.room.mu.Unlock()
	l.room.to = 0 // truncating frees the blocks beyond the new end
	return l.current().Truncate(l.length)
}

// waitForSpace waits, and reports whether the writer should retry. Until space is found, the log refuses events
// with this cause.
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

// lackOfSpace returns why the log has no space for events, or nil.
func (l *Log) lackOfSpace() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lacking
}

// Hold implements space.Holder.
func (l *Log) Hold(bytes int64) error {
	if err := l.lackOfSpace(); err != nil {
		return err
	}
	l.room.mu.Lock()
	defer l.room.mu.Unlock()
	l.files.RLock()
	defer l.files.RUnlock()
	f, ok := l.file.(*os.File)
	if !ok {
		return nil
	}
	end := max(0, l.End()-l.begin)
	if end+bytes <= l.room.to {
		return nil
	}
	to := end + bytes + bytes/2 // more than necessary, so that the next calls find enough
	if err := space.Allocate(f, max(end, l.room.to), to); err != nil {
		return err
	}
	l.room.to = to
	return nil
}
