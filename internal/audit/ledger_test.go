package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/transparency"
)

func newLedger(t *testing.T) *ledger {
	t.Helper()
	return &ledger{folder: t.TempDir(), signer: transparency.NewSigner(testKeys.Origin, testKeys.Seed), signed: -1}
}

// leavesFor returns the hashes of n lines, from a number on.
func leavesFor(first, n int) (all []tlog.Hash) {
	for i := range n {
		all = append(all, transparency.Leaf(fmt.Append(nil, "line ", first+i)))
	}
	return all
}

func noSync() error { return nil }

// filesIn returns the names of the files in a folder, with their paths from the folder on.
func filesIn(t *testing.T, folder string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, err = filepath.Rel(folder, name)
			all = append(all, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A checkpoint has the tiles of its lines, in their widest form only, and no other files.
func TestFilesOfCheckpoints(t *testing.T) {
	l := newLedger(t)
	n := 0
	for _, test := range []struct {
		size int
		want []string
	}{
		{0, []string{"checkpoint"}},
		{3, []string{"checkpoint", "tile/0/000.p/3"}},
		{256, []string{"checkpoint", "tile/0/000", "tile/1/000.p/1"}},
		{300, []string{"checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"}},
		{301, []string{"checkpoint", "tile/0/000", "tile/0/001.p/45", "tile/1/000.p/1"}},
		{513, []string{"checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/1", "tile/1/000.p/2"}},
	} {
		if l.add(leavesFor(n, test.size-n)) {
			t.Errorf("%d lines: too many tiles wait", test.size)
		}
		n = test.size
		signed, err := l.checkpoint(noSync)
		if err != nil || l.size() != int64(n) {
			t.Fatal(err)
		}
		if got := filesIn(t, l.folder); !slices.Equal(got, test.want) {
			t.Errorf("%d lines: %q, want %q", n, got, test.want)
		}
		c, err := transparency.ParseCheckpoint(string(signed))
		if err != nil || c.Size != int64(n) || !bytes.Equal(read(t, filepath.Join(l.folder, checkpointName)), signed) {
			t.Errorf("%d lines: %+v, %v", n, c, err)
		}
		if len(l.tiles) > 0 {
			t.Errorf("%d lines: %d tiles wait", n, len(l.tiles))
		}
		again, err := l.checkpoint(func() error { t.Error("synced for nothing"); return nil })
		if again != nil || err != nil {
			t.Errorf("%d lines, again: %q, %v", n, again, err)
		}
	}
}

// A partial tile is not written behind the full one, and a wider form stays.
func TestPartialTiles(t *testing.T) {
	l := newLedger(t)
	tile := tlog.Tile{H: transparency.TileHeight, W: 7}
	data := transparency.TileData(leavesFor(0, 7))
	if err := l.writePartial(tile, data); err != nil || !bytes.Equal(read(t, l.path(tile)), data) {
		t.Fatal(err)
	}
	for _, name := range []string{"6", "8", "7.tmp"} {
		if err := os.WriteFile(filepath.Join(filepath.Dir(l.path(tile)), name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l.removePartials(tile)
	if got := filesIn(t, l.folder); !slices.Equal(got, []string{"tile/0/000.p/7", "tile/0/000.p/8"}) {
		t.Errorf("%q", got)
	}
	if got, err := readTile(l.folder, tlog.Tile{H: transparency.TileHeight, W: 8}); err == nil {
		t.Errorf("a tile that is too short has %d bytes", len(got))
	}
	for width := 1; width <= 7; width++ {
		if got, err := readTile(l.folder, tlog.Tile{H: transparency.TileHeight, W: width}); err != nil || !bytes.Equal(got, data[:32*width]) {
			t.Errorf("%d hashes: %d bytes, %v", width, len(got), err)
		}
	}
	l.add(leavesFor(0, 256))
	if err := l.writeTiles(); err != nil {
		t.Fatal(err)
	}
	if err := l.writePartial(tile, data); err != nil {
		t.Fatal(err)
	}
	if got := filesIn(t, l.folder); !slices.Equal(got, []string{"tile/0/000"}) {
		t.Errorf("%q", got)
	}
	if got, err := readTile(l.folder, tile); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	l.removePartials(tlog.Tile{H: transparency.TileHeight, N: 9, W: 7}) // has no folder
}

// A step of a checkpoint that fails leaves the former checkpoint, and the next checkpoint makes up for it.
func TestCheckpointFails(t *testing.T) {
	for what, test := range map[string]struct {
		sync    error
		blocked string // a folder in the place of a file
	}{
		"the sync":       {sync: errDisk},
		"a full tile":    {blocked: "tile/0/000"},
		"a partial tile": {blocked: "tile/0/001.p/44"},
		"the checkpoint": {blocked: checkpointName},
	} {
		l := newLedger(t)
		l.add(leavesFor(0, 300))
		blocked := filepath.Join(l.folder, test.blocked)
		if test.blocked != "" {
			if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			signed, err := l.checkpoint(func() error { return test.sync })
			if signed != nil || err == nil || test.sync != nil && !errors.Is(err, test.sync) || l.signed != -1 {
				t.Errorf("%s: %q, %v", what, signed, err)
			}
		}
		for _, name := range filesIn(t, l.folder) {
			if name == checkpointName || filepath.Ext(name) == temporarySuffix {
				t.Errorf("%s: %s was written", what, name)
			}
		}
		if test.blocked == "tile/0/000" && len(l.tiles) != 1 {
			t.Errorf("%d tiles wait", len(l.tiles))
		}
		if test.blocked != "" {
			if err := os.RemoveAll(blocked); err != nil {
				t.Fatal(err)
			}
		}
		signed, err := l.checkpoint(noSync)
		if err != nil || signed == nil || l.signed != 300 {
			t.Errorf("%s, afterwards: %q, %v", what, signed, err)
		}
		if got := filesIn(t, l.folder); !slices.Equal(got, []string{"checkpoint", "tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1"}) {
			t.Errorf("%s, afterwards: %q", what, got)
		}
	}
}

// Tiles that could not be written wait in their order, in front of newer ones.
func TestTilesWaitInOrder(t *testing.T) {
	l := newLedger(t)
	l.add(leavesFor(0, 3*256))
	blocked := filepath.Join(l.folder, "tile/0/001")
	if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := l.writeTiles(); err == nil {
		t.Error("a folder was replaced by a tile")
	}
	l.add(leavesFor(3*256, 256))
	var waiting []int64
	for _, tile := range l.tiles {
		waiting = append(waiting, tile.N)
	}
	if !slices.Equal(waiting, []int64{1, 2, 3}) {
		t.Errorf("the tiles %d wait", waiting)
	}
	many := false
	for n := 4; n < mostTiles+2 && !many; n++ {
		many = l.add(leavesFor(n*256, 256))
		if many != (len(l.tiles) >= mostTiles) {
			t.Errorf("%d tiles wait, which are many: %v", len(l.tiles), many)
		}
	}
	if !many {
		t.Error("too many tiles wait")
	}
}

// A tile that cannot be written, given its name or cleared of its partial forms stops neither the tiles before it nor a
// later attempt, and leaves no unfinished file. The faults are in a group and at its ends.
func TestTilesThatFail(t *testing.T) {
	const tiles = 2*tilesAtOnce + 3
	for _, fault := range []string{"%s/x", "%s.tmp/x"} {
		for _, at := range []int{0, 5, tilesAtOnce - 1, tilesAtOnce, tiles - 1} {
			l := newLedger(t)
			l.add(leavesFor(0, tiles*256))
			blocked := filepath.Join(l.folder, fmt.Sprintf(fault, fmt.Sprintf("tile/0/%03d", at)))
			if err := os.MkdirAll(blocked, 0o700); err != nil {
				t.Fatal(err)
			}
			err := l.writeTiles()
			if err == nil || len(l.tiles) != tiles-at || l.tiles[0].N != int64(at) {
				t.Errorf("%s, tile %d: %d tiles wait, %v", fault, at, len(l.tiles), err)
			}
			if err := os.RemoveAll(filepath.Dir(blocked)); err != nil {
				t.Fatal(err)
			}
			for n, name := range filesIn(t, l.folder) {
				if want := fmt.Sprintf("tile/0/%03d", n); name != want {
					t.Errorf("%s, tile %d: got the file %s, want %s", fault, at, name, want)
				}
			}
			if got := len(filesIn(t, l.folder)); got != at {
				t.Errorf("%s, tile %d: %d files", fault, at, got)
			}
			if err := l.writeTiles(); err != nil || len(l.tiles) != 0 || len(filesIn(t, l.folder)) != tiles {
				t.Errorf("%s, tile %d, afterwards: %d tiles wait, %d files, %v", fault, at, len(l.tiles), len(filesIn(t, l.folder)), err)
			}
			if open := openFiles(t, l.folder); len(open) > 0 {
				t.Errorf("%q are open", open)
			}
		}
	}
}

// A file replaces what an interrupted write has left, to the byte, and makes its folder.
func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "file")
	for _, left := range []string{"", "longer than the new content"} {
		if left != "" {
			if err := os.WriteFile(path+temporarySuffix, []byte(left), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := writeFile(path, []byte("new")); err != nil || string(read(t, path)) != "new" {
			t.Errorf("after %q: %q, %v", left, read(t, path), err)
		}
		if got := filesIn(t, filepath.Dir(path)); !slices.Equal(got, []string{"file"}) {
			t.Errorf("%q", got)
		}
	}
}

// The writer has tiles written before the next checkpoint only if many wait.
func TestTilesAreDue(t *testing.T) {
	for lines, want := range map[int]int{0: 0, 300: 0, mostTiles * 256: 1} {
		l := &Log{chain: newChain(nil, 0, [chainSize]byte{}), ledger: newLedger(t), tilesDue: make(chan struct{}, 1), leaves: leavesFor(0, lines)}
		l.recordLeaves()
		if got := len(l.tilesDue); got != want {
			t.Errorf("%d lines: tiles are due %d times", lines, got)
		}
	}
	(&Log{}).recordLeaves() // is not protected
}
