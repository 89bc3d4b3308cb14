package audit

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/transparency"
)

// mostTiles is the number of full tiles that wait in memory for the disk: 2 MiB, of 65,536 lines.
const mostTiles = 256

// A ledger has the tree of a log, and writes its tiles and checkpoints.
type ledger struct {
	folder string
	signer note.Signer

	mu    sync.Mutex
	tree  transparency.Tree
	tiles []tile // full ones that are not on disk

	writing sync.Mutex // held while tiles and checkpoints are written
	signed  int64      // size of the newest checkpoint, or -1
}

// A tile is the content of a file.
type tile struct {
	tlog.Tile
	data []byte
}

func (l *ledger) path(t tlog.Tile) string {
	return filepath.Join(l.folder, filepath.FromSlash(transparency.TilePath(t)))
}

// add adds lines, which were written to the file. It reports whether many tiles wait for the disk.
func (l *ledger) add(leaves []tlog.Hash) (many bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, leaf := range leaves {
		l.addLeaf(leaf)
	}
	return len(l.tiles) >= mostTiles
}

func (l *ledger) addLeaf(leaf tlog.Hash) {
	l.tree.Append(leaf, func(t tlog.Tile, hashes []tlog.Hash) {
		l.tiles = append(l.tiles, tile{t, transparency.TileData(hashes)})
	})
}

// size returns the number of lines.
func (l *ledger) size() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tree.Size()
}

// writeTiles writes the full tiles that wait.
func (l *ledger) writeTiles() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	return l.flush()
}

// flush is writeTiles for a caller that holds writing. Tiles that could not be written wait again.
func (l *ledger) flush() error {
	l.mu.Lock()
	tiles := l.tiles
	l.tiles = nil
	l.mu.Unlock()
	for len(tiles) > 0 {
		n, err := l.writeGroup(tiles[:min(len(tiles), tilesAtOnce)])
		tiles = tiles[n:]
		if err != nil {
			l.mu.Lock()
			l.tiles = append(tiles, l.tiles...)
			l.mu.Unlock()
			return err
		}
	}
	return nil
}

// tilesAtOnce is the number of tiles that are synced together, and so the number of open files.
const tilesAtOnce = 32

// writeGroup writes tiles, and returns how many it has written. It syncs the tiles after it has written all of them,
// because a file system makes the changes of many files durable at the price of one.
func (l *ledger) writeGroup(tiles []tile) (n int, err error) {
	var files replacements
	defer func() { files.discard() }()
	var failed error // of the first tile that could not be written; the tiles before it are not lost
	for _, t := range tiles {
		var r replacement
		if r, failed = startReplacement(l.path(t.Tile), t.data); failed != nil {
			break
		}
		files = append(files, r)
	}
	for _, r := range files {
		if err := r.sync(); err != nil {
			return 0, err
		}
	}
	for len(files) > 0 {
		err := files[0].rename()
		if err == nil {
			err = os.RemoveAll(files[0].path + ".p")
		}
		if err != nil {
			return n, err
		}
		n, files = n+1, files[1:]
	}
	return n, failed
}

// checkpoint signs the lines that were added so far, unless a checkpoint of them exists. It first calls sync, which
// makes the lines durable, and then writes all tiles of the checkpoint.
func (l *ledger) checkpoint(sync func() error) (signed []byte, err error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	tree := l.tree.Clone()
	l.mu.Unlock()
	if tree.Size() == l.signed {
		return nil, nil
	}
	if err := errors.Join(sync(), l.flush()); err != nil {
		return nil, err
	}
	tree.Edge(func(t tlog.Tile, hashes []tlog.Hash) {
		err = errors.Join(err, l.writePartial(t, transparency.TileData(hashes)))
	})
	if err != nil {
		return nil, err
	}
	root, err := tree.Root()
	if err != nil {
		return nil, err
	}
	signed, err = transparency.Checkpoint{Origin: l.signer.Name(), Size: tree.Size(), Root: root}.Sign(l.signer)
	if err != nil {
		return nil, err
	}
	if err := writeFile(filepath.Join(l.folder, checkpointName), signed); err != nil {
		return nil, err
	}
	l.signed = tree.Size()
	tree.Edge(func(t tlog.Tile, _ []tlog.Hash) { l.removePartials(t) })
	return signed, durable.SyncFolder(l.folder)
}

// writePartial writes a tile that is not full, unless the full tile was written meanwhile.
func (l *ledger) writePartial(t tlog.Tile, data []byte) error {
	full := t
	full.W = 1 << transparency.TileHeight
	if _, err := os.Stat(l.path(full)); err == nil {
		return nil
	}
	return writeFile(l.path(t), data)
}

// removePartials removes the narrower forms of a partial tile. A form that stays is of no harm.
func (l *ledger) removePartials(t tlog.Tile) {
	folder := filepath.Dir(l.path(t))
	entries, err := os.ReadDir(folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		if width, err := strconv.Atoi(e.Name()); err != nil || width < t.W {
			os.Remove(filepath.Join(folder, e.Name()))
		}
	}
}
