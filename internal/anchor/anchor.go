package anchor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/cosign"
	"github.com/keyhold/keyhold/internal/transparency"
)

var (
	// ErrNewer means that an anchor has a checkpoint of lines that the log does not have: the log is an old copy.
	ErrNewer = errors.New("the anchor has a newer checkpoint: the log is older than its anchor")
	// ErrForked means that lines of the log differ from the lines of the checkpoint that an anchor has.
	ErrForked = errors.New("the lines of the log are not the lines of the checkpoint that the anchor has")
	// ErrForgot means that an anchor does not have a checkpoint that it confirmed.
	ErrForgot = errors.New("the anchor does not have the checkpoint that it confirmed before")
)

// Refuted reports whether an error shows that the log was changed or is an old copy, and not that the anchor failed.
func Refuted(err error) bool { return errors.Is(err, ErrNewer) || errors.Is(err, ErrForked) }

// An Anchor keeps checkpoints.
type Anchor interface {
	// Keep keeps a checkpoint of a log, and returns it with the signatures that the anchor added. confirmed is the
	// size of the newest checkpoint that this anchor confirmed before, or 0. The errors are ErrNewer, ErrForked,
	// ErrForgot, and others if the anchor cannot be reached or does not follow its protocol.
	Keep(ctx context.Context, c Checkpoint, confirmed int64) (receipt []byte, err error)
	// String returns the name of the anchor in its flag.
	String() string
}

// A Checkpoint is a signed checkpoint of a log, and the hashes of the log.
type Checkpoint struct {
	transparency.Checkpoint
	Signed   []byte
	Verifier note.Verifier
	Hashes   tlog.HashReader
}

// Open returns the Checkpoint that the log of the verifier signed.
func Open(signed []byte, log note.Verifier, hashes tlog.HashReader) (Checkpoint, error) {
	c, _, err := transparency.OpenCheckpoint(signed, log)
	return Checkpoint{c, signed, log, hashes}, err
}

// continues returns an error unless c has the lines of an earlier checkpoint.
func (c Checkpoint) continues(kept transparency.Checkpoint) error {
	if kept.Size > c.Size {
		return fmt.Errorf("%w: it has %d lines, and its checkpoint %d", ErrNewer, c.Size, kept.Size)
	}
	was, err := transparency.At(c.Origin, kept.Size, c.Hashes)
	if err == nil && was.Root != kept.Root {
		err = fmt.Errorf("%w: of size %d", ErrForked, kept.Size)
	}
	return err
}

// Parse returns the Anchor of a flag: file:PATH, or the URL of a witness with its verifier key.
func Parse(text, key string) (Anchor, error) {
	if path, ok := strings.CutPrefix(text, "file:"); ok {
		switch {
		case key != "":
			return nil, errors.New("a file has no key: a verifier key is for a witness")
		case !filepath.IsAbs(path):
			return nil, fmt.Errorf("%q is not an absolute path", path)
		}
		return File{path}, nil
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("this is not an anchor: give file:PATH or https://HOST")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the URL of a witness has no user, no query and no fragment")
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("%s is not on the loopback interface: use https", u.Hostname())
	}
	v, err := cosign.ParseVerifier(key)
	if err != nil {
		return nil, err
	}
	return NewWitness(strings.TrimSuffix(text, "/"), v), nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
