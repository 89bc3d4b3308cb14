package audit

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/keyhold/keyhold/internal/transparency"
)

// A Whole has the bytes of all lines of a log, over its segments. It is fast for a reader that goes forward.
type Whole struct {
	*io.SectionReader
	parts parts
	begin []int64 // offset of each closed segment, and of the file that grows

	open   int // index of the open segment, or -1
	reader io.ReadCloser
	at     int64 // offset of the next byte of reader
}

// OpenWhole opens the log whose newest lines are in the file at path. The error is transparency.ErrDeleted if the log
// has deleted lines.
func OpenWhole(path string) (*Whole, error) {
	p, err := (&Folder{path: path}).parts()
	if err == nil {
		err = p.layout.gap()
	}
	if err == nil && p.layout.deleted.End > 0 {
		err = fmt.Errorf("%s: %w", path, transparency.ErrDeleted)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	w := &Whole{parts: p, open: -1}
	for i := range p.layout.closed {
		w.begin = append(w.begin, p.layout.begin(i))
	}
	_, end := p.layout.end()
	w.begin = append(w.begin, end)
	size := p.current.Size()
	if p.file != nil { // with a torn end, which readers of a log expect
		if info, err := os.Stat(filepath.Clean(path)); err == nil && !p.layout.hasFile(info) {
			size = info.Size()
			w.parts.current = io.NewSectionReader(p.file, 0, size)
		}
	}
	w.SectionReader = io.NewSectionReader(bytesOf{w}, 0, end+size)
	return w, nil
}

// Close closes the files.
func (w *Whole) Close() error {
	if w.reader != nil {
		w.reader.Close()
	}
	w.parts.close()
	return nil
}

// bytesOf implements io.ReaderAt for a Whole. One goroutine may use it at a time.
type bytesOf struct{ w *Whole }

// ReadAt implements io.ReaderAt.
func (b bytesOf) ReadAt(p []byte, at int64) (n int, err error) {
	for n < len(p) && err == nil {
		var m int
		m, err = b.w.readAt(p[n:], at+int64(n))
		n += m
	}
	return n, err
}

// readAt reads from one segment.
func (w *Whole) readAt(p []byte, at int64) (int, error) {
	last := len(w.begin) - 1
	if at >= w.begin[last] {
		return w.parts.current.ReadAt(p, at-w.begin[last])
	}
	i := 0
	for w.begin[i+1] <= at {
		i++
	}
	if err := w.seek(i, at); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(w.reader, p[:min(int64(len(p)), w.begin[i+1]-at)])
	w.at += int64(n)
	return n, err
}

// seek moves the reader to an offset in segment i.
func (w *Whole) seek(i int, at int64) (err error) {
	if w.open != i || at < w.at {
		if w.reader != nil {
			w.reader.Close()
		}
		w.open, w.at = i, w.begin[i]
		if w.reader, err = w.parts.layout.open(i); err != nil {
			w.reader, w.open = nil, -1
			return err
		}
	}
	_, err = io.CopyN(io.Discard, w.reader, at-w.at)
	w.at = at
	return err
}
