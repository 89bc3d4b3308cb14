package transparency

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A clone does not change with its tree, and a hash that is not at the right edge is refused.
func TestClone(t *testing.T) {
	var tree Tree
	for i := range 300 {
		tree.Append(Leaf(fmt.Append(nil, i)), nil)
	}
	c := tree.Clone()
	want, err := tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		tree.Append(Leaf(fmt.Append(nil, i)), nil)
	}
	if got, err := c.Root(); got != want || err != nil || c.Size() != 300 || tree.Size() != 600 {
		t.Errorf("%v, %v, want %v, of %d and %d lines", got, err, want, c.Size(), tree.Size())
	}
	for _, level := range []int{0, 1, 5} {
		if _, err := tree.readEdge([]int64{tlog.StoredHashIndex(8*level, 0)}); err == nil && level != 1 {
			t.Errorf("a hash of level %d was read", level)
		}
	}
	broken := errors.New("broken")
	if _, err := ResumeTree(300, func(tlog.Tile) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
}

// A checkpoint needs the form of a checkpoint and the signature of its log, in addition to signatures of witnesses.
func TestCheckpointsOfOthers(t *testing.T) {
	s, v := newKey(t, origin, 1)
	witness, vw := newKey(t, "witness.example.com", 2)
	c, _ := checkpoint(t, memory(3), 3, s)
	sign := func(text string, by ...note.Signer) []byte {
		signed, err := note.Sign(&note.Note{Text: text}, by...)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
	if got, n, err := OpenCheckpoint(sign(c.Text(), s, witness), v, vw); got != c || len(n.Sigs) != 2 || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
	for what, signed := range map[string][]byte{
		"the witness alone": sign(c.Text(), witness), "no checkpoint": sign("x\n", s), "another origin": sign(strings.Replace(c.Text(), origin, "other", 1), s),
	} {
		if _, n, err := OpenCheckpoint(signed, v, vw); err == nil || n != nil {
			t.Errorf("%s: accepted", what)
		}
	}
	if _, err := Prove(0, []byte("x"), memory(3)); err == nil {
		t.Error("a proof in no checkpoint")
	}
	if _, err := Prove(-1, sign(c.Text(), s), memory(3)); err == nil {
		t.Error("a proof of line -1")
	}
}

// A line "extra" of a proof is ignored, and a line behind the checkpoint is not proved.
func TestFormsOfProofs(t *testing.T) {
	s, v := newKey(t, origin, 1)
	m := memory(3)
	_, signed := checkpoint(t, m, 3, s)
	p, err := Prove(1, signed, m)
	if err != nil {
		t.Fatal(err)
	}
	text := p.Text()
	extra := strings.Replace(text, "\nindex", "\nextra eA==\nindex", 1)
	if read, err := ParseProof(extra); err != nil || read.Text() != text {
		t.Errorf("%q, %v", read.Text(), err)
	}
	behind, err := ParseProof(strings.Replace(text, "index 1", "index 3", 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := behind.Check(m.lines[1], v); !errors.Is(err, errNoProof) {
		t.Errorf("a line behind the checkpoint: %v", err)
	}
	for range m.Lines(t.Context(), 0) {
		break
	}
}
