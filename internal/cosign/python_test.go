package cosign_test

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/cosign"
	"github.com/keyhold/keyhold/internal/logtest"
	"github.com/keyhold/keyhold/internal/transparency"
)

// A proofCase is one proof for the program of examples. Event has the bytes of a line as a text of Latin-1.
type proofCase struct {
	What, Event, Proof, Key string
	Witnesses               []string
	Valid                   bool
}

// runCases verifies all cases in one process.
const runCases = `
import json, sys
sys.path.insert(0, sys.argv[1])
import verify_proof
for case in json.load(open(sys.argv[2], encoding="utf-8")):
    try:
        said = verify_proof.verify(case["Event"].encode("latin-1"), case["Proof"], case["Key"], case["Witnesses"] or [])
        valid = True
    except (verify_proof.Invalid, verify_proof.InvalidSignature) as e:
        said, valid = str(e), False
    if valid != case["Valid"]:
        print(case["What"], "->", valid, said)
print("cases verified")
`

// The program of examples, which was written from docs/proof-format.md, accepts the proofs of each line in trees of many
// sizes, and refuses what differs in one point.
func TestVerifyProofInPython(t *testing.T) {
	cases := validProofs(t)
	for _, base := range []proofCase{cases[len(cases)-1], cases[7]} {
		cases = append(cases, changedProofs(t, base)...)
	}
	wrong := cases[0]
	wrong.Valid = false
	if out := verifyInPython(t, []proofCase{wrong}); !strings.Contains(out, "-> True") {
		t.Fatalf("a wrong verdict is not noticed: %s", out)
	}
	if out := verifyInPython(t, cases); out != "cases verified\n" {
		t.Errorf("of %d cases:\n%s", len(cases), out)
	}
}

func verifyInPython(t *testing.T, cases []proofCase) string {
	t.Helper()
	python := cmp.Or(os.Getenv("KEYHOLD_PYTHON"), "python3")
	text, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cases.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), python, "-c", runCases, "../../examples", file)
	c.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s needs the package cryptography: run `make deps`, and set KEYHOLD_PYTHON as the Makefile does: %v\n%s", python, err, out)
	}
	return string(out)
}

var pythonWitness = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, 32))

// validProofs returns proofs of the lines of logs of 1 to 20 lines and of 1,000 lines. The last one has a cosignature.
func validProofs(t *testing.T) (cases []proofCase) {
	l := logtest.New(t, "keyhold/deployment/node", 1)
	add := func(size, index int64, cosigned bool) {
		signed := l.Checkpoint(size)
		c := proofCase{What: fmt.Sprintf("line %d of %d", index, size), Event: fmt.Sprintf("{\"line\":%d,\"text\":\"\u00fc\"}", index), Key: l.Key, Valid: true}
		if cosigned {
			w, err := cosign.NewSigner("witness.example.com/one", pythonWitness)
			if err != nil {
				t.Fatal(err)
			}
			line, err := w.At(time.Unix(1679315147, 0)).Line([]byte(l.At(size).Text()))
			if err != nil {
				t.Fatal(err)
			}
			signed, c.Witnesses = append(signed, line...), []string{w.Verifier.String()}
		}
		p, err := transparency.Prove(index, signed, l)
		if err != nil {
			t.Fatal(err)
		}
		c.Proof = p.Text()
		cases = append(cases, c)
	}
	for i := range 1000 {
		l.Add(latin1(fmt.Sprintf("{\"line\":%d,\"text\":\"\u00fc\"}", i)))
		if size := l.Size(); size <= 20 {
			for index := range size {
				add(size, index, false)
			}
		}
	}
	for _, index := range []int64{0, 255, 256, 511, 998, 999} {
		add(1000, index, false)
	}
	add(1000, 700, true)
	return cases
}

// latin1 returns the bytes of a text of Latin-1, which is what the program makes of it.
func latin1(text string) string {
	var b []byte
	for _, r := range text {
		b = append(b, byte(r))
	}
	return string(b)
}

// changedProofs returns wrong proofs.
func changedProofs(t *testing.T, base proofCase) (cases []proofCase) {
	base.Valid = false
	add := func(what string, change func(c *proofCase)) {
		c := base
		c.What = base.What + ": " + what
		change(&c)
		cases = append(cases, c)
	}
	for i := range base.Proof {
		if base.Proof[i] >= 0x80 {
			continue // a byte of the dash: the text would not be UTF-8
		}
		add(fmt.Sprintf("byte %d of the proof", i), func(c *proofCase) {
			b := []byte(c.Proof)
			b[i] ^= 1
			c.Proof = string(b)
		})
	}
	for i := range base.Event {
		if base.Event[i] < 0x80 {
			add(fmt.Sprintf("byte %d of the event", i), func(c *proofCase) {
				b := []byte(c.Event)
				b[i] ^= 1
				c.Event = string(b)
			})
		}
	}
	other := logtest.New(t, "keyhold/deployment/node", 2)
	elsewhere := logtest.New(t, "keyhold/deployment/other", 1).Add("x")
	p, err := transparency.ParseProof(base.Proof)
	if err != nil {
		t.Fatal(err)
	}
	withPath := func(change func(p *transparency.Proof)) func(c *proofCase) {
		return func(c *proofCase) {
			changed := p
			changed.Hashes = append(changed.Hashes[:0:0], p.Hashes...)
			change(&changed)
			c.Proof = changed.Text()
		}
	}
	add("another key", func(c *proofCase) { c.Key = other.Key })
	add("another log", func(c *proofCase) { c.Key = elsewhere.Key })
	add("no key", func(c *proofCase) { c.Key = "" })
	add("the key of a witness", func(c *proofCase) { c.Key = witnessOf(t, pythonWitness) })
	add("a witness that did not sign", func(c *proofCase) {
		c.Witnesses = []string{witnessOf(t, ed25519.NewKeyFromSeed(make([]byte, 32)))}
	})
	add("the key of the log as a witness", func(c *proofCase) { c.Witnesses = []string{c.Key} })
	add("the event of another line", func(c *proofCase) { c.Event = strings.Replace(c.Event, "line", "Line", 1) })
	add("no event", func(c *proofCase) { c.Event = "" })
	add("a negative index", withPath(func(p *transparency.Proof) { p.Index = -1 }))
	add("a large index", withPath(func(p *transparency.Proof) { p.Index = 1 << 40 }))
	add("an index more", withPath(func(p *transparency.Proof) { p.Index++ }))
	add("a hash more", withPath(func(p *transparency.Proof) { p.Hashes = append(p.Hashes, p.Hashes[0]) }))
	add("a hash less", withPath(func(p *transparency.Proof) { p.Hashes = p.Hashes[1:] }))
	add("no path", withPath(func(p *transparency.Proof) { p.Hashes = nil }))
	add("no checkpoint", withPath(func(p *transparency.Proof) { p.Checkpoint = nil }))
	add("the checkpoint of another log", withPath(func(p *transparency.Proof) { p.Checkpoint = elsewhere.Checkpoint(1) }))
	add("another form", func(c *proofCase) { c.Proof = strings.Replace(c.Proof, "@v1", "@v2", 1) })
	add("nothing", func(c *proofCase) { c.Proof = "" })
	return cases
}

func witnessOf(t *testing.T, key ed25519.PrivateKey) string {
	w, err := cosign.NewSigner("witness.example.com/one", key)
	if err != nil {
		t.Fatal(err)
	}
	return w.Verifier.String()
}
