package transparency

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var (
	// ErrShorter means that a log has fewer lines than a checkpoint of the log.
	ErrShorter = errors.New("the audit log has fewer lines than its checkpoint")
	// ErrDiffers means that the lines of a log are not the lines that a checkpoint was made of.
	ErrDiffers = errors.New("the lines of the audit log are not the lines of its checkpoint")
)

// Origin returns the name of the log of a node, which is also the name of the key that signs its checkpoints. log is
// the ID of the node, followed by a number if the node began another log.
func Origin(deployment, log string) string { return "keyhold/" + deployment + "/" + log }

// A Checkpoint is the state of a log: its first Size lines have the tree hash Root.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// At returns the Checkpoint of the first size lines of a log.
func At(origin string, size int64, hashes tlog.HashReader) (Checkpoint, error) {
	root, err := tlog.TreeHash(size, hashes)
	return Checkpoint{origin, size, root}, err
}

// Text returns the text of a checkpoint (C2SP tlog-checkpoint), which is what a signature covers.
func (c Checkpoint) Text() string { return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, c.Root) }

// Sign returns a checkpoint with signatures.
func (c Checkpoint) Sign(signers ...note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.Text()}, signers...)
}

// ParseCheckpoint reads the text of a checkpoint. Lines after the third, which other logs may have, are ignored.
func ParseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 || lines[0] == "" {
		return c, errors.New("not a checkpoint: it needs an origin, a size and a hash, each on its line")
	}
	c.Origin = lines[0]
	c.Size, err = strconv.ParseInt(lines[1], 10, 64)
	if err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return c, fmt.Errorf("not a checkpoint: %q is not a size", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return c, fmt.Errorf("not a checkpoint: %q is not a hash", lines[2])
	}
	c.Root = tlog.Hash(root)
	return c, nil
}

// OpenCheckpoint verifies the signature of the log on a checkpoint, whose origin must be the name of the key. It also
// returns the note, which may have signatures of witnesses that are in others.
func OpenCheckpoint(signed []byte, log note.Verifier, others ...note.Verifier) (Checkpoint, *note.Note, error) {
	n, err := note.Open(signed, note.VerifierList(append([]note.Verifier{log}, others...)...))
	if err != nil {
		return Checkpoint{}, nil, err
	}
	ofLog := false
	for _, s := range n.Sigs {
		ofLog = ofLog || s.Name == log.Name() && s.Hash == log.KeyHash()
	}
	c, err := ParseCheckpoint(n.Text)
	switch {
	case err != nil:
		return c, nil, err
	case !ofLog:
		return c, nil, fmt.Errorf("the checkpoint has no signature of %s", log.Name())
	case c.Origin != log.Name():
		return c, nil, fmt.Errorf("the checkpoint is of the log %s, and not of %s", c.Origin, log.Name())
	}
	return c, n, nil
}

// Check compares a log with a checkpoint. The error is ErrShorter or ErrDiffers if the log does not begin with the
// lines of the checkpoint.
func (c Checkpoint) Check(log Reader) error {
	if size := log.Size(); size < c.Size {
		return fmt.Errorf("%w: %d lines, and the checkpoint is of %d", ErrShorter, size, c.Size)
	}
	now, err := At(c.Origin, c.Size, log)
	if err == nil && now.Root != c.Root {
		err = ErrDiffers
	}
	return err
}

// ed25519Algorithm identifies Ed25519 in the keys of signed notes (C2SP signed-note).
const ed25519Algorithm = 1

// VerifierKey returns the public key of a log as text: NAME+HASH+KEY (C2SP signed-note).
func VerifierKey(origin string, public ed25519.PublicKey) string {
	key := append([]byte{ed25519Algorithm}, public...)
	return fmt.Sprintf("%s+%08x+%s", origin, keyHash(origin, key), base64.StdEncoding.EncodeToString(key))
}

func keyHash(name string, key []byte) uint32 {
	digest := sha256.Sum256([]byte(name + "\n" + string(key)))
	return binary.BigEndian.Uint32(digest[:])
}

// A signer signs checkpoints with the key of a log.
type signer struct {
	origin  string
	private ed25519.PrivateKey
}

// NewSigner returns the Signer of the log whose private key has the seed (32 bytes).
func NewSigner(origin string, seed []byte) note.Signer {
	return signer{origin, ed25519.NewKeyFromSeed(seed)}
}

func (s signer) Name() string { return s.origin }

func (s signer) KeyHash() uint32 {
	public := s.private.Public().(ed25519.PublicKey)
	return keyHash(s.origin, append([]byte{ed25519Algorithm}, public...))
}

func (s signer) Sign(text []byte) ([]byte, error) { return ed25519.Sign(s.private, text), nil }
