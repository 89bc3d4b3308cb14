package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/keyhold/keyhold/internal/durable"
)

// compressSegments compresses the closed segments that are not compressed. A kill at any moment leaves a whole segment
// in one of the two forms, or in both. A segment that is just being closed is left out: it can still have the name of
// the log, and a start after a kill finds out by its plain form that the two are one file.
func (l *Log) compressSegments(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-l.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	all, err := readLayout(l.past.layout.folder)
	if err != nil {
		return err
	}
	for _, s := range all.closed {
		if s.End > l.closedTo.Load() {
			return nil
		}
		err := compressSegment(ctx, all.folder, s)
		if ctx.Err() != nil {
			return nil // the next start continues
		}
		if err != nil {
			return fmt.Errorf("audit: compress %s: %w", s.FileName(), err)
		}
	}
	return nil
}

// compressSegment replaces a segment by its compressed form, which it has read back.
func compressSegment(ctx context.Context, folder string, s Segment) error {
	s.Compressed = false
	plain := filepath.Join(folder, s.FileName())
	s.Compressed = true
	target := filepath.Join(folder, s.FileName())
	if _, err := os.Stat(plain); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, err := os.Stat(target); err == nil {
		return os.Remove(plain) // was interrupted before this step
	}
	temporary := target + temporarySuffix
	err := writeCompressed(ctx, plain, temporary)
	if err == nil {
		err = os.Rename(temporary, target)
	}
	if err != nil {
		os.Remove(temporary)
		return err
	}
	return errors.Join(durable.SyncFolder(folder), os.Remove(plain))
}

// writeCompressed writes the compressed form of a file, and reads it back.
func writeCompressed(ctx context.Context, from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	size, err := writeFrames(out, reading{ctx, in})
	if err != nil {
		return err
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := readBack(reading{ctx, out}, size); err != nil {
		return err
	}
	return out.Sync()
}

// frameSize is how many bytes of a segment one frame of its compressed form has. The encoder neither copies nor keeps a
// frame that has one block, so it is faster and disturbs the caches of the processor less than with longer frames.
const frameSize = 128 << 10 // a block has no more (RFC 8878, section 3.1.1.2.4)

// writeFrames writes the compressed form of its input, and returns the number of bytes that it has read. Each frame has
// a checksum.
func writeFrames(to io.Writer, from io.Reader) (size int64, err error) {
	// The window comes before the level, which would halve the size of a block.
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(frameSize),
		zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return 0, err
	}
	plain := make([]byte, frameSize)
	var frame []byte
	for err == nil {
		var n int
		if n, err = io.ReadFull(from, plain); n > 0 {
			frame = z.EncodeAll(plain[:n], frame[:0])
			if _, err := to.Write(frame); err != nil {
				return size, err
			}
		}
		size += int64(n)
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return size, nil
	}
	return size, err
}

// errOtherSize means that a compressed segment has more or fewer bytes than its plain form.
var errOtherSize = errors.New("the compressed form does not have all bytes, or has more")

// readBack returns an error unless the compressed content has this size, and each frame has the checksum that the
// encoder computed from the plain form (RFC 8878, section 3.1.1).
func readBack(compressed io.Reader, size int64) error {
	back, err := zstd.NewReader(compressed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	defer back.Close()
	n, err := io.Copy(io.Discard, back)
	if err == nil && n != size {
		err = errOtherSize
	}
	return err
}

// reading is a Reader that ends with a context.
type reading struct {
	ctx context.Context
	r   io.Reader
}

// Read implements io.Reader.
func (r reading) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
