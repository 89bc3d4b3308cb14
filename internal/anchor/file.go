package anchor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/transparency"
)

// maxFile limits the size of an anchor file, which has some 300 bytes for each log.
const maxFile = 4 << 20

// A File is an anchor in a file, which has the newest checkpoint of each log that it ever had. One server at a time
// may use a file.
type File struct{ path string }

// String returns the flag of the anchor.
func (f File) String() string { return "file:" + f.path }

// Keep implements [Anchor].
func (f File) Keep(_ context.Context, c Checkpoint, confirmed int64) ([]byte, error) {
	all, err := Read(f.path)
	if err != nil {
		return nil, err
	}
	place := slices.IndexFunc(all, func(k Kept) bool { return k.Origin == c.Origin })
	kept := Kept{Checkpoint: transparency.Checkpoint{Origin: c.Origin}}
	if place >= 0 {
		if kept.Checkpoint, _, err = transparency.OpenCheckpoint(all[place].Signed, c.Verifier); err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		if err := c.continues(kept.Checkpoint); err != nil {
			return nil, err
		}
	}
	if kept.Size < confirmed {
		return nil, fmt.Errorf("%w: %s has size %d, and had %d. Is the right volume mounted?", ErrForgot, f.path,
			kept.Size, confirmed)
	}
	if place >= 0 && kept.Size == c.Size {
		return c.Signed, nil
	}
	if place < 0 {
		all = append(all, kept)
		place = len(all) - 1
	}
	all[place].Signed = c.Signed
	return c.Signed, durable.ReplaceFile(f.path, format(all))
}

// Probe returns an error if the volume has no space for the next checkpoint.
func (f File) Probe() error {
	if err := space.Probe(filepath.Dir(f.path)); err != nil {
		return fmt.Errorf("%s has the newest checkpoint, but the next one cannot be written: %w", f.path, err)
	}
	return nil
}

// A Kept is a checkpoint in an anchor file. Nobody has verified its signature.
type Kept struct {
	transparency.Checkpoint
	Signed []byte
}

// Check verifies that a log has all lines of the checkpoint.
func (k Kept) Check(log Log) error {
	c, _, err := transparency.OpenCheckpoint(k.Signed, log.Verifier)
	if err != nil {
		return err
	}
	return c.Check(log.Reader)
}

// A Log is a log that is compared with a kept checkpoint.
type Log struct {
	Verifier note.Verifier
	transparency.Reader
}

// Read returns the checkpoints in an anchor file, or none if the file does not exist.
func Read(path string) (all []Kept, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > maxFile:
		return nil, fmt.Errorf("%s is not the file of an anchor", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if all, err = parse(text); err != nil {
		return nil, fmt.Errorf("%s is not the file of an anchor: %w", path, err)
	}
	return all, nil
}

// parse splits the text of an anchor file. A checkpoint has an empty line before its signatures, and one after them.
func parse(text []byte) (all []Kept, err error) {
	for len(text) > 0 {
		body, rest, ok1 := bytes.Cut(text, []byte("\n\n"))
		signatures, next, ok2 := bytes.Cut(rest, []byte("\n\n"))
		if !ok1 || !ok2 {
			return nil, errors.New("it ends within a checkpoint")
		}
		k := Kept{Signed: bytes.Join([][]byte{body, signatures}, []byte("\n\n"))}
		k.Signed = append(k.Signed, '\n')
		if k.Checkpoint, err = transparency.ParseCheckpoint(string(k.Signed)); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(o Kept) bool { return o.Origin == k.Origin }) {
			return nil, fmt.Errorf("it has two checkpoints of %s", k.Origin)
		}
		all, text = append(all, k), next
	}
	return all, nil
}

func format(all []Kept) (text []byte) {
	for _, k := range all {
		text = append(append(text, k.Signed...), '\n')
	}
	return text
}
