package audit

import (
	"bytes"
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

// writeCompressed writes the compressed form of a file, reads it back, and compares the two.
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
	z, err := zstd.NewWriter(out, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(windowSize))
	if err != nil {
		return err
	}
	_, err = io.Copy(z, reading{ctx, in})
	if err = errors.Join(err, z.Close()); err != nil {
		return err
	}
	if _, err := out.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	back, err := zstd.NewReader(out, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	defer back.Close()
	if err := compare(reading{ctx, in}, reading{ctx, back}); err != nil {
		return err
	}
	return out.Sync()
}

// errOtherBytes means that a compressed segment differs from its plain form.
var errOtherBytes = errors.New("what was compressed is not what was read")

// compare reads two readers to their ends, and returns errOtherBytes if they differ.
func compare(a, b io.Reader) error {
	left, right := make([]byte, 256<<10), make([]byte, 256<<10)
	for {
		n, errLeft := io.ReadFull(a, left)
		m, errRight := io.ReadFull(b, right)
		for _, err := range []error{errLeft, errRight} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				return err
			}
		}
		if !bytes.Equal(left[:n], right[:m]) {
			return errOtherBytes
		}
		if errLeft != nil || errRight != nil {
			return nil // both are short by the same number of bytes
		}
	}
}

// windowSize is how far back the compression looks for repetitions, in bytes.
const windowSize = 8 << 20

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
