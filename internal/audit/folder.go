package audit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strconv"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/bounded"
	"github.com/keyhold/keyhold/internal/transparency"
)

// A Folder reads the log of a node: its closed segments and the file that grows. It implements transparency.Reader. A
// server may use the log meanwhile.
type Folder struct {
	path string // of the file that grows
	size func() int64
	seen *seen // of the Folder of a Log in this process, which knows the size
}

// OpenFolder returns the Folder of the log whose newest lines are in the file at path. Lines that a server writes later
// do not belong to it.
func OpenFolder(path string) (*Folder, error) {
	f := &Folder{path: path}
	p, err := f.parts()
	if err != nil {
		return nil, err
	}
	defer p.close()
	size, _ := p.layout.end()
	n, err := countLines(p.current)
	f.size = func() int64 { return size + n }
	return f, err
}

// countLines counts the newlines of a file.
func countLines(log *io.SectionReader) (n int64, err error) {
	all, err := linesFrom(log, 0)
	for err == nil {
		var line []byte
		line, err = all.next()
		if err == errTooLong || err == nil && len(line) > 0 {
			n, err = n+1, nil
		}
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

// parts are the open file that grows and the closed segments in front of it.
type parts struct {
	layout  layout
	file    *os.File // nil if it does not exist
	current *io.SectionReader
}

func (p parts) close() {
	if p.file != nil {
		p.file.Close()
	}
}

// errClosedMeanwhile means that the file that grows was closed as a segment while it was read.
var errClosedMeanwhile = errors.New("audit: the file was closed as a segment meanwhile")

// mostClosings limits the segments that a server may close while a reader opens the parts of a log.
const mostClosings = 100

// parts opens the file that grows and lists the closed segments. It begins again if a server closes the segment in
// between.
func (f *Folder) parts() (p parts, err error) {
	for range mostClosings {
		if p, err = f.open(); err == nil {
			err = p.read(f)
		}
		if err == nil {
			return p, nil
		}
		p.close()
		if err != errClosedMeanwhile {
			break
		}
	}
	return parts{}, err
}

// open opens the file that grows.
func (f *Folder) open() (p parts, err error) {
	p.current = io.NewSectionReader(eof{}, 0, 0)
	file, err := os.Open(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("audit: %w", err)
	}
	p.file = file
	return p, nil
}

// read lists the segments, and finds the lines of the file that grows. It returns errClosedMeanwhile if the file lost
// its name before the segments were listed: then the list can have the same lines in a compressed form.
func (p *parts) read(f *Folder) (err error) {
	if p.layout, err = readLayout(FolderOf(f.path)); err != nil || p.file == nil {
		return err
	}
	info, err := p.file.Stat()
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	closed := p.layout.hasFile(info)
	named, err := os.Stat(f.path) // last: the file has its plain form as long as it has this name
	switch {
	case err == nil && !os.SameFile(info, named):
		return errClosedMeanwhile
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("audit: %w", err)
	}
	if closed {
		return nil
	}
	end := info.Size()
	if f.seen == nil {
		end, err = firstTorn(p.file, end)
	}
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	p.current = io.NewSectionReader(p.file, 0, end)
	return nil
}

type eof struct{}

func (eof) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }

// hasFile reports whether a file is also the last closed segment, because the server is just closing the segment.
func (l layout) hasFile(info os.FileInfo) bool {
	if len(l.closed) == 0 {
		return false
	}
	last := l.closed[len(l.closed)-1]
	last.Compressed = false
	of, err := os.Stat(l.path(last))
	return err == nil && os.SameFile(info, of)
}

// Size implements transparency.Reader.
func (f *Folder) Size() int64 { return f.size() }

// First implements transparency.Reader.
func (f *Folder) First() int64 {
	l, err := readLayout(FolderOf(f.path))
	if err != nil {
		return 0
	}
	return l.deleted.End
}

// Lines implements transparency.Reader.
func (f *Folder) Lines(ctx context.Context, from int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		size := f.Size()
		for at, err := range f.lines(ctx, from) {
			if err == nil && at.index >= size {
				return
			}
			if err == nil && f.seen != nil {
				f.seen.set(at.index, at.offset)
			}
			if !yield(at.line, err) || err != nil {
				return
			}
		}
	}
}

// A place is a line and where it is.
type place struct {
	line    []byte // without its newline; nil if it is too long
	index   int64
	offset  int64  // in the log
	segment string // name of the file
	number  int64  // of the line in the file, from 1
}

// errSegment means that a segment does not have the lines that its name states.
var errSegment = errors.New("the segment does not have the lines that its name states")

// lines returns the lines from an index on, up to the last whole line.
func (f *Folder) lines(ctx context.Context, from int64) iter.Seq2[place, error] {
	return func(yield func(place, error) bool) {
		p, err := f.parts()
		if err == nil {
			defer p.close()
			err = p.layout.gap()
		}
		if err == nil && from < p.layout.deleted.End {
			err = transparency.ErrDeleted
		}
		if err != nil {
			yield(place{}, err)
			return
		}
		for i, s := range p.layout.closed {
			if s.End > from && !p.layout.readSegment(ctx, i, from, yield) {
				return
			}
		}
		first, offset := p.layout.end()
		first, offset, current := f.seen.from(from, first, offset, p.current)
		w := walk{ctx: ctx, segment: filepath.Base(f.path), first: first, offset: offset, from: from}
		if _, more, err := w.all(current, yield); err != nil && more {
			yield(place{segment: w.segment}, err)
		}
	}
}

// readSegment yields the lines of closed segment i from an index on, and reports whether to go on.
func (l layout) readSegment(ctx context.Context, i int, from int64, yield func(place, error) bool) bool {
	s := l.closed[i]
	w := walk{ctx: ctx, segment: s.FileName(), first: s.First, offset: l.begin(i), from: from}
	r, err := l.open(i)
	if err != nil {
		yield(place{segment: w.segment}, err)
		return false
	}
	defer r.Close()
	n, more, err := w.all(r, yield)
	if more && err == nil && s.First+n != s.End {
		err = fmt.Errorf("%w: it has %d lines", errSegment, n)
	}
	if more && err != nil {
		yield(place{segment: w.segment, index: s.First + n, number: n + 1}, err)
	}
	return more && err == nil
}

// maxWindow limits the memory that a compressed segment can need.
const maxWindow = 32 << 20

// mostExpansion is how many times as large as its compressed form a segment can be. Each line has an ID and a chain,
// which do not compress, so honest segments stay far below.
const mostExpansion = 1000

// errExpands means that a compressed segment has more bytes than a segment of the server can have.
var errExpands = errors.New("the compressed segment has more bytes than its name states, " +
	"or than lines of a log can have")

// open opens closed segment i. A segment that was compressed meanwhile is opened in its new form.
func (l layout) open(i int) (io.ReadCloser, error) {
	s := l.closed[i]
	f, err := os.Open(l.path(s))
	if errors.Is(err, fs.ErrNotExist) && !s.Compressed {
		s.Compressed = true
		f, err = os.Open(l.path(s))
	}
	if err != nil || !s.Compressed {
		return f, err
	}
	c, err := decompress(f, s.EndByte-l.begin(i))
	if err != nil {
		f.Close()
		return nil, err
	}
	return c, nil
}

// decompress returns a reader of a compressed segment that its name states to have size bytes.
func decompress(f *os.File, size int64) (*compressed, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return &compressed{bounded.Reader(z, max(0, min(size, info.Size()*mostExpansion)), errExpands), z, f}, nil
}

// A compressed reads a compressed file. It fails beyond a number of bytes, because a few bytes of a hostile file can
// expand to gigabytes.
type compressed struct {
	io.Reader
	z    *zstd.Decoder
	file *os.File
}

// Close implements io.Closer.
func (c *compressed) Close() error {
	c.z.Close()
	return c.file.Close()
}

// A walk goes through the lines of one file.
type walk struct {
	ctx           context.Context
	segment       string
	first, offset int64 // of the file in the log
	from          int64
}

// all yields the lines, and returns their number in the file. An incomplete line at the end is left out.
func (w walk) all(r io.Reader, yield func(place, error) bool) (n int64, more bool, err error) {
	all := &lines{r: bufio.NewReaderSize(r, 64<<10)}
	for {
		begin := all.at
		line, err := all.next()
		if err == io.EOF {
			return n, true, nil
		}
		if err != nil && err != errTooLong {
			return n, true, err
		}
		if n++; n%1024 == 0 && w.ctx.Err() != nil {
			return n, true, w.ctx.Err()
		}
		if w.first+n <= w.from {
			continue
		}
		if err == nil {
			line = line[:len(line)-1]
		}
		if !yield(place{line, w.first + n - 1, w.offset + begin, w.segment, n}, nil) {
			return n, false, nil
		}
	}
}

// Checkpoint returns the newest signed checkpoint of the log. The error is fs.ErrNotExist if there is none.
func (f *Folder) Checkpoint() ([]byte, error) {
	return os.ReadFile(filepath.Join(FolderOf(f.path), checkpointName))
}

// ReadHashes implements transparency.Reader. It reads tiles, which it does not verify.
func (f *Folder) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	last, data := tlog.Tile{}, []byte(nil)
	for i, index := range indexes {
		t := tlog.TileForIndex(transparency.TileHeight, index)
		var err error
		if t != last {
			if data, err = readTile(FolderOf(f.path), t); err != nil {
				return nil, err
			}
			last = t
		}
		if found[i], err = tlog.HashFromTile(t, data, index); err != nil {
			return nil, fmt.Errorf("%s: %w", transparency.TilePath(t), err)
		}
	}
	return found, nil
}

// readTile returns the content of a tile, also from a wider form of the tile.
func readTile(folder string, t tlog.Tile) ([]byte, error) {
	width := t.W
	t.W = 1 << transparency.TileHeight
	path := filepath.Join(folder, filepath.FromSlash(transparency.TilePath(t)))
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = readPartial(path+".p", width)
	}
	if err == nil && len(data) < width*tlog.HashSize {
		err = fmt.Errorf("%s has %d bytes", path, len(data))
	}
	if err != nil {
		return nil, err
	}
	return data[:width*tlog.HashSize], nil
}

// readPartial returns the narrowest partial tile in a folder that has a width.
func readPartial(folder string, width int) ([]byte, error) {
	for w := width; w < 1<<transparency.TileHeight; w++ {
		data, err := os.ReadFile(filepath.Join(folder, strconv.Itoa(w)))
		if !errors.Is(err, fs.ErrNotExist) {
			return data, err
		}
	}
	return nil, fmt.Errorf("%s has no tile of %d hashes: %w", folder, width, fs.ErrNotExist)
}

// Reader returns a reader of the lines that l has written. It is of use while l is protected.
func (l *Log) Reader() *Folder {
	f := &Folder{path: l.path, size: func() int64 { return 0 }}
	if l.ledger != nil {
		f.size = l.ledger.size
	}
	return f
}

// PublicKey returns the key that verifies the checkpoints of l (C2SP signed-note), or "" if l is not protected.
func (l *Log) PublicKey() string {
	if l.ledger == nil {
		return ""
	}
	return l.protection.VerifierKey()
}

// Origin returns the name of l in its checkpoints, or "" if l is not protected.
func (l *Log) Origin() string { return l.protection.Origin }
