package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/keyhold/keyhold/internal/durable"
)

// A growing segment is the file that lines are added to.
type growing struct {
	first  int64 // index of its first line
	day    int64 // in UTC, on which its last line was written
	latest int64 // Unix time at which no line was written later, also if the clock went back since
}

func newSegment(first int64, modified time.Time) growing {
	return growing{first, dayOf(modified), modified.Unix()}
}

// dayOf returns the number of the day of a time in UTC.
func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// rotateIfDue closes the segment if it is large enough, or of another day. If that fails, the segment goes on growing
// for the rest of the day or by the size of another segment. Only the writer calls rotateIfDue.
func (l *Log) rotateIfDue() error {
	if l.chain == nil {
		return nil
	}
	now := l.opts.Now()
	today := dayOf(now)
	if l.length == 0 {
		l.segment.latest = 0
	}
	l.segment.latest = max(l.segment.latest, now.Unix())
	if l.length == 0 || l.length < l.rotateAt && today == l.segment.day {
		l.segment.day = today
		return nil
	}
	l.segment.day, l.rotateAt = today, l.opts.SegmentBytes
	closed, err := l.closeSegment()
	if err != nil && !closed {
		l.rotateAt = l.length + l.opts.SegmentBytes
		l.protection.Log.Error("a segment of the audit log was not closed; it goes on growing", "error", err)
		return nil
	}
	return err
}

// closeSegment gives the file a second name in the folder of closed segments, and replaces the first name by a new
// file. At every moment, the lines have one name at least. If closed is false, nothing has changed.
func (l *Log) closeSegment() (closed bool, err error) {
	s := Segment{
		First: l.segment.first, End: l.ledger.size(), EndByte: l.base() + l.length, Closed: time.Unix(l.segment.latest, 0),
	}
	if err := errors.Join(l.freeRoom(), l.syncFile()); err != nil {
		return true, fmt.Errorf("audit: %w", err) // nobody knows what is on the disk
	}
	name := filepath.Join(l.past.layout.folder, s.FileName())
	if err := os.Link(l.path, name); err != nil {
		return false, fmt.Errorf("audit: close a segment: %w", err)
	}
	f, err := newFile(l.path, l.past.layout.folder)
	if err != nil {
		if failed := os.Remove(name); failed != nil {
			return true, errors.Join(err, failed)
		}
		return false, err
	}
	l.swapFile(f, s.EndByte)
	l.length, l.segment.first = 0, s.End
	if err := durable.SyncFolder(filepath.Dir(l.path)); err != nil {
		return true, err
	}
	l.closedTo.Store(s.End)
	signal(l.segmentDue)
	return true, nil
}

// newFile replaces the name of a log by a new file, after it has made the second name of the old file durable.
func newFile(path, folder string) (*os.File, error) {
	if err := durable.SyncFolder(folder); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	temporary := path + temporarySuffix
	f, err := os.OpenFile(temporary, os.O_RDWR|os.O_CREATE|os.O_APPEND|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	if err = f.Sync(); err == nil {
		err = os.Rename(temporary, path)
	}
	if err != nil {
		f.Close()
		os.Remove(temporary)
		return nil, fmt.Errorf("audit: %w", err)
	}
	return f, nil
}

// freeRoom gives back the blocks that are allocated beyond the end of the file.
func (l *Log) freeRoom() error {
	l.room.mu.Lock()
	defer l.room.mu.Unlock()
	l.room.to = 0
	return l.current().Truncate(l.length)
}

// current returns the file that lines are added to.
func (l *Log) current() File {
	l.files.RLock()
	defer l.files.RUnlock()
	return l.file
}

// base returns the offset of the file in the log.
func (l *Log) base() int64 {
	l.files.RLock()
	defer l.files.RUnlock()
	return l.begin
}

// syncFile makes the file durable. The file is not closed meanwhile.
func (l *Log) syncFile() error {
	l.files.RLock()
	defer l.files.RUnlock()
	return l.file.Sync()
}

// swapFile replaces the file by the next one, which begins at an offset in the log.
func (l *Log) swapFile(f File, begin int64) {
	l.files.Lock()
	defer l.files.Unlock()
	l.file.Close() // it was synced
	l.file, l.begin = f, begin
}

// finishClosing ends the closing of a segment that a kill has interrupted: the file has a second name as a closed
// segment.
func finishClosing(path string, f *os.File) (*os.File, error) {
	info, err := f.Stat()
	if err != nil {
		return f, err
	}
	folder := FolderOf(path)
	l, err := readLayout(folder)
	if err != nil || !l.hasFile(info) {
		return f, err
	}
	next, err := newFile(path, folder)
	if err != nil {
		return f, err
	}
	return next, errors.Join(f.Close(), durable.SyncFolder(filepath.Dir(path)))
}
