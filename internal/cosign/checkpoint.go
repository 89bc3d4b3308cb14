package cosign

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/transparency"
)

// maxNote is more than the size of a checkpoint with its signatures, in bytes.
const maxNote = 16 << 10

// Open parses a signed checkpoint. At least one of the verifiers must have signed it, and signatures of other keys are
// ignored.
func Open(signed []byte, verifiers ...note.Verifier) (c transparency.Checkpoint, n *note.Note, err error) {
	if len(signed) > maxNote {
		return c, nil, fmt.Errorf("a checkpoint has more than %d bytes", maxNote)
	}
	if n, err = note.Open(signed, note.VerifierList(verifiers...)); err != nil {
		return c, nil, err
	}
	if strings.Contains(n.Text, "\n\n") {
		return c, nil, errors.New("the checkpoint has an empty line")
	}
	c, err = transparency.ParseCheckpoint(n.Text)
	return c, n, err
}

// Empty is the checkpoint of a log without lines.
func Empty(origin string) transparency.Checkpoint {
	root, _ := tlog.TreeHash(0, nil) // reads nothing
	return transparency.Checkpoint{Origin: origin, Root: root}
}

// CheckProof verifies that the lines of the checkpoint old are the first lines of the checkpoint new (RFC 6962, section
// 2.1.2). The proof for an empty log and for the same size is empty.
func CheckProof(proof tlog.TreeProof, new, old transparency.Checkpoint) error {
	if old.Size > 0 && old.Size < new.Size {
		return tlog.CheckTree(proof, new.Size, new.Root, old.Size, old.Root)
	}
	if len(proof) > 0 || old.Size > new.Size || old.Size == new.Size && old.Root != new.Root {
		return errors.New("the proof does not connect the two checkpoints")
	}
	return nil
}

// Prove returns the proof that [CheckProof] verifies.
func Prove(new, old int64, hashes tlog.HashReader) (tlog.TreeProof, error) {
	if old == 0 || old == new {
		return nil, nil
	}
	return tlog.ProveTree(new, old, hashes)
}

// parseSize parses a number without leading zeros.
func parseSize(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || text != strconv.FormatInt(n, 10) {
		return 0, errors.New("not a size: write a number without leading zeros")
	}
	return n, nil
}

// parseHash parses one hash in base64. The standard decoder ignores line breaks, so the text is compared with its only
// right form.
func parseHash(text string) (h tlog.Hash, err error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != tlog.HashSize || tlog.Hash(raw).String() != text {
		return h, errors.New("not a hash: write 32 bytes in base64")
	}
	return tlog.Hash(raw), nil
}
