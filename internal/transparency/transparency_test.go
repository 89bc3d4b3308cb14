package transparency

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var origin = Origin("ABCDEFGHIJKLMNOP", "5XGAWTLB3S224534")

func memory(n int) *Memory {
	m := new(Memory)
	for i := range n {
		m.Append(fmt.Appendf(nil, `{"n":%d}`+"\n", i))
	}
	return m
}

func newKey(t *testing.T, of string, first byte) (note.Signer, note.Verifier) {
	t.Helper()
	seed := append([]byte{first}, make([]byte, 31)...)
	v, err := note.NewVerifier(VerifierKey(of, ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)))
	if err != nil {
		t.Fatal(err)
	}
	return NewSigner(of, seed), v
}

func checkpoint(t *testing.T, m *Memory, size int64, s note.Signer) (Checkpoint, []byte) {
	t.Helper()
	c, err := At(origin, size, m)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := c.Sign(s)
	if err != nil {
		t.Fatal(err)
	}
	return c, signed
}

func TestCheckpoint(t *testing.T) {
	m := memory(300)
	s, v := newKey(t, origin, 1)
	other, _ := newKey(t, origin, 2)
	c, signed := checkpoint(t, m, 270, s)
	got, _, err := OpenCheckpoint(signed, v)
	if err != nil || got != c || c.Check(m) != nil {
		t.Errorf("%+v, %v, %v; want %+v", got, err, c.Check(m), c)
	}
	if err := c.Check(memory(269)); !errors.Is(err, ErrShorter) {
		t.Errorf("a log of 269 lines: %v", err)
	}
	edited := new(Memory)
	for i, line := range m.lines {
		if i == 17 {
			line = []byte(`{"n":18}`)
		}
		edited.Append(line)
	}
	if err := c.Check(edited); !errors.Is(err, ErrDiffers) {
		t.Errorf("an edited log: %v", err)
	}
	_, forged := checkpoint(t, m, 270, other)
	_, renamed := Checkpoint{}, []byte(nil)
	if renamed, err = (Checkpoint{origin + "-2", 270, c.Root}).Sign(s); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"the signature of another key": forged, "another origin": renamed, "nothing": nil,
		"another size": bytes.Replace(signed, []byte("\n270\n"), []byte("\n271\n"), 1),
	} {
		if _, _, err := OpenCheckpoint(text, v); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, text := range []string{"", "x\n1\n", "\n1\n" + c.Root.String() + "\n", "x\n01\n" + c.Root.String() + "\n", "x\n-1\n" + c.Root.String() + "\n", "x\n1\nAAAA\n"} {
		if _, err := ParseCheckpoint(text); err == nil {
			t.Errorf("%q: accepted", text)
		}
	}
}

// A Tree has the roots of the whole tree, also after it was resumed from its tiles.
func TestTree(t *testing.T) {
	m := new(Memory)
	var tree Tree
	tiles := map[string][]byte{}
	keep := func(tile tlog.Tile, hashes []tlog.Hash) { tiles[TilePath(tile)] = TileData(hashes) }
	for i := range 70_000 {
		line := fmt.Appendf(nil, "%d", i)
		m.Append(line)
		tree.Append(Leaf(line), keep)
		if i%7919 != 0 && i != 65_535 && i != 255 && i != 256 && i != 69_999 {
			continue
		}
		want, err := tlog.TreeHash(m.Size(), m)
		if got, err2 := tree.Root(); err != nil || err2 != nil || got != want {
			t.Fatalf("of %d lines: %v, %v, %v; want %v", m.Size(), got, err, err2, want)
		}
		tree.Edge(keep)
		resumed, err := ResumeTree(m.Size(), func(tile tlog.Tile) ([]byte, error) {
			if data, ok := tiles[TilePath(tile)]; ok {
				return data, nil
			}
			return nil, errors.New("no tile " + TilePath(tile))
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := resumed.Root(); got != want || err != nil {
			t.Fatalf("resumed at %d: %v, %v", m.Size(), got, err)
		}
		tree = resumed
	}
	for _, tile := range tlog.NewTiles(TileHeight, 0, m.Size()) {
		want, err := tlog.ReadTileData(tile, m)
		if got := tiles[TilePath(tile)]; err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes, want %d, %v", TilePath(tile), len(got), len(want), err)
		}
	}
	if _, err := ResumeTree(3, func(tlog.Tile) ([]byte, error) { return nil, nil }); err == nil {
		t.Error("resumed from an empty tile")
	}
}

func TestTilePath(t *testing.T) {
	for path, tile := range map[string]tlog.Tile{
		"tile/0/000":           {H: 8, L: 0, N: 0, W: 256},
		"tile/1/x001/x234/067": {H: 8, L: 1, N: 1234067, W: 256},
		"tile/0/x001/000.p/17": {H: 8, L: 0, N: 1000, W: 17},
	} {
		if got := TilePath(tile); got != path {
			t.Errorf("%q, want %q", got, path)
		}
	}
}

func TestProof(t *testing.T) {
	m := memory(1000)
	s, v := newKey(t, origin, 1)
	_, signed := checkpoint(t, m, 900, s)
	for _, index := range []int64{0, 1, 255, 256, 899} {
		p, err := Prove(index, signed, m)
		if err != nil {
			t.Fatal(err)
		}
		read, err := ParseProof(p.Text())
		if err != nil || read.Text() != p.Text() {
			t.Fatalf("%v: %s", err, p.Text())
		}
		if _, err := read.Check(m.lines[index], v); err != nil {
			t.Errorf("line %d: %v", index, err)
		}
		if _, err := read.Check(append(m.lines[index], '\n'), v); err != nil {
			t.Errorf("line %d with its newline: %v", index, err)
		}
		if _, err := read.Check(m.lines[index+1], v); err == nil {
			t.Errorf("the proof of line %d proves the next line", index)
		}
		if _, stranger := newKey(t, origin, 2); true {
			if _, err := read.Check(m.lines[index], stranger); err == nil {
				t.Error("the key of another log verifies the proof")
			}
		}
	}
	if _, err := Prove(900, signed, m); err == nil {
		t.Error("a line after the checkpoint was proved")
	}
	for _, text := range []string{"", proofHeader + "\n\n", proofHeader + "\nindex -1\n\nx", proofHeader + "\nindex 1\nAA==\n\nx", "c2sp.org/tlog-proof@v2\nindex 1\n\nx",
		proofHeader + "\nindex 1\n" + strings.Repeat(tlog.Hash{}.String()+"\n", 64) + "\nx"} {
		if _, err := ParseProof(text); err == nil {
			t.Errorf("%q: accepted", text)
		}
	}
}

func TestMemory(t *testing.T) {
	m := memory(3)
	var got []string
	for line, err := range m.Lines(t.Context(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(line))
	}
	if strings.Join(got, " ") != `{"n":1} {"n":2}` || m.Size() != 3 || m.First() != 0 {
		t.Errorf("%q", got)
	}
	if _, err := m.ReadHashes([]int64{4}); err == nil {
		t.Error("a hash that does not exist was read")
	}
}
