// Package logtest has logs for tests: lines with a Merkle tree, and the signed checkpoints of every size.
package logtest

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/cosign"
	"github.com/keyhold/keyhold/internal/transparency"
)

// A Log is a log in memory.
type Log struct {
	transparency.Memory
	T      testing.TB
	Origin string
	Signer note.Signer
	Key    string // the verifier key
}

// New returns an empty log. Logs of one origin and seed have the same key.
func New(t testing.TB, origin string, seed byte) *Log {
	t.Helper()
	private, public, err := note.GenerateKey(stream(seed), origin)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	return &Log{T: t, Origin: origin, Signer: signer, Key: public}
}

// A stream is a source of bytes that are not random.
type stream byte

// Read fills b.
func (s stream) Read(b []byte) (int, error) {
	for i := range b {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte{byte(s)}, uint64(i)))
		b[i] = sum[0]
	}
	return len(b), nil
}

// Verifier returns the verifier of the log's key.
func (l *Log) Verifier() note.Verifier {
	v, err := note.NewVerifier(l.Key)
	if err != nil {
		l.T.Fatal(err)
	}
	return v
}

// Add adds lines.
func (l *Log) Add(lines ...string) *Log {
	for _, line := range lines {
		l.Append([]byte(line))
	}
	return l
}

// At returns the checkpoint of the first n lines.
func (l *Log) At(n int64) transparency.Checkpoint {
	l.T.Helper()
	c, err := transparency.At(l.Origin, n, l)
	if err != nil {
		l.T.Fatal(err)
	}
	return c
}

// Checkpoint returns the signed checkpoint of the first n lines.
func (l *Log) Checkpoint(n int64) []byte { return l.Sign(l.At(n).Text()) }

// Sign signs any text with the key of the log.
func (l *Log) Sign(text string) []byte {
	l.T.Helper()
	signed, err := note.Sign(&note.Note{Text: text}, l.Signer)
	if err != nil {
		l.T.Fatal(err)
	}
	return signed
}

// Proof returns the proof that the first old lines are a part of the first n, or nil if there is none.
func (l *Log) Proof(old, n int64) tlog.TreeProof {
	l.T.Helper()
	if old >= n {
		return nil
	}
	proof, err := cosign.Prove(n, old, l)
	if err != nil {
		l.T.Fatal(err)
	}
	return proof
}

// Request returns the request to cosign the first n lines.
func (l *Log) Request(old, n int64) []byte {
	return cosign.Request{Old: old, Proof: l.Proof(old, n), Checkpoint: l.Checkpoint(n)}.Bytes()
}
