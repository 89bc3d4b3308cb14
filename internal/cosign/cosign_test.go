package cosign

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func testSigner(t *testing.T, name string) Signer {
	t.Helper()
	s, err := NewSigner(name, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The parts of the definition in c2sp.org/tlog-cosignature.
func TestCosignature(t *testing.T) {
	s := testSigner(t, "witness.example.com/w1")
	text := []byte("example.com/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n")
	at := time.Unix(1679315147, 5)
	signed, err := note.Sign(&note.Note{Text: string(text)}, s.At(at))
	if err != nil {
		t.Fatal(err)
	}
	_, n, err := Open(signed, s.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	if when, err := TimeOf(n.Sigs[0]); err != nil || when.Unix() != at.Unix() {
		t.Errorf("the time is %v, %v", when, err)
	}
	raw, _ := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	message := "cosignature/v1\ntime 1679315147\n" + string(text)
	if !ed25519.Verify(s.Verifier.key, []byte(message), raw[12:]) {
		t.Error("the signature is not over the header, the time and the text")
	}
	line, err := s.At(at).Line(text)
	if err != nil || !bytes.HasSuffix(signed, append([]byte("\n\n"), line...)) {
		t.Errorf("the line is %q, %v, and the note %q", line, err, signed)
	}
	for i := range raw[4:] {
		other := bytes.Clone(raw[4:])
		other[i] ^= 1
		if s.Verify(text, other) {
			t.Errorf("a signature with a changed byte %d is accepted", i)
		}
	}
	if s.Verify(append(text, 'x'), raw[4:]) || s.Verify(text, raw[4:75]) || s.Verify(text, nil) {
		t.Error("a wrong signature is accepted")
	}
	if _, err := s.Sign(text); err == nil {
		t.Error("a witness with a clock before 1970 signs")
	}
}

// A cosignature that litewitness made, a witness of other authors.
func TestCosignatureOfAnotherWitness(t *testing.T) {
	const signed = "keyhold/deployment/node\n10\nYnaZfHxrf4b5f1yCf98GNzsJrASiMozBffpHnhEj940=\n\n" +
		"— keyhold/deployment/node xooBib53Vfljzid7VcPUPVjxsCDCg33Ea4O0h2vFyXPMgwV9A+eptRve3QMffXmwcd6Pgs0afQ/5cz/R9VuSAl05vg0=\n" +
		"— example.com/w WORL1QAAAABrDX+u2N9y9pGCfYHlPQxA5kLS6wzvmYnhEI0ooIBVJyqSh4Uhb3TmOxiu1+j4TkN9NjsvpEcqD7stEkoTVP6Z4JT8DA==\n"
	v, err := ParseVerifier("example.com/w+58e44bd5+BIBXj2tSEvXQE8yrM7OlCHKlCkY33qC2hsm+YYOR2iM8")
	if err != nil {
		t.Fatal(err)
	}
	c, n, err := Open([]byte(signed), v)
	if err != nil || c.Size != 10 || len(n.Sigs) != 1 {
		t.Fatal(c, err)
	}
	if at, err := TimeOf(n.Sigs[0]); err != nil || at.UTC().Format(time.DateOnly) != "2026-11-30" {
		t.Error(at, err)
	}
	if _, _, err := Open([]byte(strings.Replace(signed, "\n10\n", "\n11\n", 1)), v); err == nil {
		t.Error("a changed checkpoint is accepted")
	}
}

func TestVerifierKeys(t *testing.T) {
	v := testSigner(t, "witness.example.com/w1").Verifier
	again, err := ParseVerifier(v.String())
	if err != nil || again.KeyHash() != v.KeyHash() || again.Name() != v.Name() {
		t.Fatal(again, err)
	}
	_, logKey, _ := note.GenerateKey(bytes.NewReader(make([]byte, 64)), "example.com/log")
	name, rest, _ := strings.Cut(v.String(), "+")
	for _, text := range []string{
		"", "witness", logKey, "other" + "+" + rest, name + "+00000000" + rest[8:], v.String() + "\n", v.String()[:len(v.String())-4],
		" " + v.String(), strings.ToUpper(v.String()),
	} {
		if _, err := ParseVerifier(text); err == nil {
			t.Errorf("%q is taken for the key of a witness", text)
		}
	}
	for _, name := range []string{"", "a b", "a+b", "a\nb", "\xff", strings.Repeat("x", 256)} {
		if _, err := NewVerifier(name, v.key); err == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
}

func TestRequests(t *testing.T) {
	h := tlog.RecordHash([]byte("x"))
	for _, r := range []Request{
		{Checkpoint: []byte("checkpoint\n")},
		{Old: 20852014, Proof: tlog.TreeProof{h, h}, Checkpoint: []byte("a\n\nb\n")},
		{Old: 1, Proof: make(tlog.TreeProof, maxProof), Checkpoint: bytes.Repeat([]byte("x"), maxNote)},
	} {
		again, err := ParseRequest(r.Bytes())
		if err != nil || !bytes.Equal(again.Bytes(), r.Bytes()) || again.Old != r.Old || len(again.Proof) != len(r.Proof) {
			t.Errorf("%.60q: %v", r.Bytes(), err)
		}
	}
	for _, body := range []string{
		"", "old 1", "old 1\n", "old 1\ncheckpoint\n", "old 01\n\nc\n", "old -1\n\nc\n", "old  1\n\nc\n", "Old 1\n\nc\n", "old 1 \n\nc\n",
		"old 1\r\n\r\nc\n", "\nold 1\n\nc\n", "old 1\nAAAA\n\nc\n", "old 1\n" + h.String() + " \n\nc\n", "size 1\n\nc\n",
		string(Request{Proof: make(tlog.TreeProof, maxProof+1)}.Bytes()),
		"old 1\n\n" + strings.Repeat("x", MaxRequest),
	} {
		if r, err := ParseRequest([]byte(body)); err == nil {
			t.Errorf("%.60q is taken for a request: %v", body, r)
		}
	}
}
