package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
)

// The outer form is a line, a sealed file, and a line with the SHA-256 and the length of everything before. So a
// backup can be checked without an identity, as after a transport.
const (
	magic  = "keyhold-backup/"
	ending = "\nkeyhold-backup-end "
)

// endSize is the length of the last line, with the newline before it: the words, 64 digits, a space, 19 digits, and a
// newline.
const endSize = len(ending) + 64 + 1 + 19 + 1

func firstLine() string { return magic + strconv.Itoa(Format) + "\n" }

// An outerWriter writes the outer form around a sealed file.
type outerWriter struct {
	to     io.Writer
	digest hash.Hash
	n      int64
}

func newOuterWriter(to io.Writer) (*outerWriter, error) {
	w := &outerWriter{to: to, digest: sha256.New()}
	_, err := io.WriteString(w, firstLine())
	return w, err
}

func (w *outerWriter) Write(b []byte) (int, error) {
	n, err := w.to.Write(b)
	w.digest.Write(b[:n])
	w.n += int64(n)
	return n, err
}

// finish writes the last line.
func (w *outerWriter) finish() error {
	_, err := io.WriteString(w.to, lastLine(w.digest, w.n))
	return err
}

func lastLine(digest hash.Hash, n int64) string {
	return fmt.Sprintf("%s%x %019d\n", ending, digest.Sum(nil), n)
}

// checkFirstLine reads the first line of a backup.
func checkFirstLine(r *bufio.Reader) (line string, err error) {
	const longest = len(magic) + 10
	for len(line) <= longest && !strings.HasSuffix(line, "\n") {
		b, err := r.ReadByte()
		if err == io.EOF {
			break
		}
		if err != nil {
			return line, err
		}
		line += string(b)
	}
	number, ok := strings.CutPrefix(line, magic)
	format, err := strconv.Atoi(strings.TrimSuffix(number, "\n"))
	switch {
	case !ok || err != nil || format < 1 || !strings.HasSuffix(line, "\n"):
		return line, ErrNotBackup
	case format > Format:
		return line, fmt.Errorf("%w: it has format %d, and this version reads formats up to %d",
			ErrNewerFormat, format, Format)
	}
	return line, nil
}

// An Outer is what the outer form of a backup shows without an identity.
type Outer struct {
	SHA256 string // of everything before the last line
	Bytes  int64  // before the last line
}

// CopyOuter copies a backup from r to w, and checks its outer form. A backup whose end is missing is copied as far as
// it came, and returns ErrNotWhole. progress is called with the number of bytes so far.
func CopyOuter(w io.Writer, r io.Reader, progress func(bytes int64)) (o Outer, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	line, err := checkFirstLine(in)
	if err != nil {
		return o, err
	}
	digest := sha256.New()
	out := io.MultiWriter(w, digest)
	if _, err := io.WriteString(out, line); err != nil {
		return o, err
	}
	o.Bytes = int64(len(line))
	for {
		n, err := copyBefore(out, in, endSize)
		if o.Bytes += n; err != nil {
			return o, err
		}
		if n == 0 {
			break
		}
		progress(o.Bytes)
	}
	o.SHA256 = hex.EncodeToString(digest.Sum(nil))
	rest, err := io.ReadAll(in)
	if err != nil {
		return o, notWhole(err)
	}
	if _, err := w.Write(rest); err != nil {
		return o, err
	}
	return o, checkEnd(rest, lastLine(digest, o.Bytes))
}

// copyBefore copies what r has buffered, except for its last bytes. It returns 0 at the end.
func copyBefore(w io.Writer, r *bufio.Reader, last int) (int64, error) {
	ahead, err := r.Peek(r.Size())
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, notWhole(err)
	}
	n := max(0, len(ahead)-last)
	if _, err := w.Write(ahead[:n]); err != nil {
		return 0, err
	}
	_, err = r.Discard(n)
	return int64(n), err
}

func notWhole(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrNotWhole
	}
	return fmt.Errorf("read the backup: %w", err)
}

func checkEnd(got []byte, want string) error {
	switch {
	case !bytes.HasPrefix(got, []byte(ending)) || len(got) != len(want) || got[len(got)-1] != '\n':
		return ErrNotWhole
	case string(got) != want:
		return fmt.Errorf("%w: its SHA-256 or its length is not the one in its last line", ErrDamaged)
	}
	return nil
}

// A Counter passes on a backup, and counts the parts that its outer form shows.
type Counter struct {
	to   io.Writer
	tail []byte // the last bytes, which may be the last line
	sum  hash.Hash
	n    int64
}

// NewCounter returns a Counter that writes to w.
func NewCounter(w io.Writer) *Counter { return &Counter{to: w, sum: sha256.New()} }

func (c *Counter) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.tail = append(c.tail, b[:n]...)
	if over := len(c.tail) - endSize; over > 0 {
		c.sum.Write(c.tail[:over])
		c.n += int64(over)
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
	return n, err
}

// Outer returns the SHA-256 and the length of a whole backup that was written.
func (c *Counter) Outer() Outer { return Outer{hex.EncodeToString(c.sum.Sum(nil)), c.n} }
