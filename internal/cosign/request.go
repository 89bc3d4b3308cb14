package cosign

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// maxProof is the number of hashes that a request may have: a tree of 2^63 leaves needs no more.
const maxProof = 63

// MaxRequest is the largest size of a request, in bytes.
const MaxRequest = maxNote + (maxProof+2)*64

// A Request asks a witness to cosign a checkpoint. Proof shows that the tree of size Old is a part of the new tree.
type Request struct {
	Old        int64
	Proof      tlog.TreeProof
	Checkpoint []byte // signed by the log
}

// Bytes returns the body of the request.
func (r Request) Bytes() []byte {
	b := fmt.Appendf(nil, "old %d\n", r.Old)
	for _, h := range r.Proof {
		b = fmt.Appendf(b, "%v\n", h)
	}
	return append(append(b, '\n'), r.Checkpoint...)
}

// ParseRequest parses the body of a request. It verifies neither signatures nor the proof.
func ParseRequest(body []byte) (r Request, err error) {
	if len(body) > MaxRequest {
		return r, fmt.Errorf("the request has more than %d bytes", MaxRequest)
	}
	head, checkpoint, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return r, errors.New("no empty line before the checkpoint")
	}
	r.Checkpoint = checkpoint
	lines := strings.Split(string(head), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	if !ok {
		return r, errors.New(`the first line must be "old" and a size`)
	}
	if r.Old, err = parseSize(size); err != nil {
		return r, err
	}
	if len(lines)-1 > maxProof {
		return r, fmt.Errorf("the proof has more than %d hashes", maxProof)
	}
	for _, line := range lines[1:] {
		h, err := parseHash(line)
		if err != nil {
			return r, err
		}
		r.Proof = append(r.Proof, h)
	}
	return r, nil
}
