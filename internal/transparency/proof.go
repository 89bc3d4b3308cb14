package transparency

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// proofHeader is the first line of a proof (C2SP tlog-proof).
const proofHeader = "c2sp.org/tlog-proof@v1"

// A Proof shows that a line is in a log.
type Proof struct {
	Index      int64            // of the line, counted from 0
	Hashes     tlog.RecordProof // from the leaf to the root
	Checkpoint []byte           // signed; its text gives the size and the root
}

// Prove returns the Proof of a line in the tree of a signed checkpoint.
func Prove(index int64, signed []byte, hashes tlog.HashReader) (p Proof, err error) {
	c, err := ParseCheckpoint(string(signed))
	if err != nil {
		return p, err
	}
	if index < 0 || index >= c.Size {
		return p, fmt.Errorf("line %d is not one of the %d lines of the checkpoint", index, c.Size)
	}
	proof, err := tlog.ProveRecord(c.Size, index, hashes)
	return Proof{index, proof, signed}, err
}

// Text returns the proof as text (C2SP tlog-proof).
func (p Proof) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nindex %d\n", proofHeader, p.Index)
	for _, h := range p.Hashes {
		fmt.Fprintf(&b, "%s\n", h)
	}
	return b.String() + "\n" + string(p.Checkpoint)
}

var errNoProof = errors.New("not a proof: it must have the form of c2sp.org/tlog-proof@v1")

// ParseProof reads the text of a proof. A line "extra" is ignored, because nothing authenticates it.
func ParseProof(text string) (p Proof, err error) {
	head, checkpoint, ok := strings.Cut(text, "\n\n")
	lines := strings.Split(head, "\n")
	if !ok || lines[0] != proofHeader {
		return p, errNoProof
	}
	lines = lines[1:]
	if len(lines) > 0 && strings.HasPrefix(lines[0], "extra ") {
		lines = lines[1:]
	}
	if len(lines) == 0 || len(lines) > 1+63 {
		return p, errNoProof
	}
	index, ok := strings.CutPrefix(lines[0], "index ")
	if p.Index, err = strconv.ParseInt(index, 10, 64); err != nil || !ok || p.Index < 0 {
		return p, errNoProof
	}
	for _, line := range lines[1:] {
		h, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(h) != tlog.HashSize {
			return p, errNoProof
		}
		p.Hashes = append(p.Hashes, tlog.Hash(h))
	}
	p.Checkpoint = []byte(checkpoint)
	return p, nil
}

// Check verifies that the line is in the log of the verifier, and returns the checkpoint that says so.
func (p Proof) Check(line []byte, log note.Verifier) (Checkpoint, error) {
	c, _, err := OpenCheckpoint(p.Checkpoint, log)
	if err != nil {
		return c, err
	}
	if p.Index >= c.Size {
		return c, errNoProof
	}
	return c, tlog.CheckRecord(p.Hashes, c.Size, c.Root, p.Index, Leaf(line))
}
