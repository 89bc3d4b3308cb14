package transparency

import (
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// TileHeight is the height of tiles: a full tile has 256 hashes (C2SP tlog-tiles).
const TileHeight = 8

// TilePath returns the path of a tile by C2SP tlog-tiles: tile/LEVEL/NUMBER, and .p/WIDTH if the tile is not full.
func TilePath(t tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", TileHeight))
}

// A Tree is the right edge of a tree that grows: for each level of tiles, the hashes of its last tile, which is not
// full. It needs a few KiB for any number of lines. The zero value is the empty tree.
type Tree struct {
	size   int64
	levels [][]tlog.Hash
}

// Size returns the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// Append adds a leaf. It calls full with each tile that the leaf completes, and with the hashes of the tile, which are
// valid during the call only.
func (t *Tree) Append(leaf tlog.Hash, full func(tlog.Tile, []tlog.Hash)) {
	t.size++
	for level, n := 0, t.size; ; level, n = level+1, n>>TileHeight {
		if level == len(t.levels) {
			t.levels = append(t.levels, make([]tlog.Hash, 0, 1<<TileHeight))
		}
		edge := append(t.levels[level], leaf)
		if len(edge) < 1<<TileHeight {
			t.levels[level] = edge
			return
		}
		if full != nil {
			full(tlog.Tile{H: TileHeight, L: level, N: n>>TileHeight - 1, W: 1 << TileHeight}, edge)
		}
		leaf = tileRoot(edge)
		t.levels[level] = edge[:0]
	}
}

// tileRoot returns the root of a full tile. It overwrites the hashes.
func tileRoot(hashes []tlog.Hash) tlog.Hash {
	for ; len(hashes) > 1; hashes = hashes[:len(hashes)/2] {
		for i := range len(hashes) / 2 {
			hashes[i] = tlog.NodeHash(hashes[2*i], hashes[2*i+1])
		}
	}
	return hashes[0]
}

// Root returns the hash of the tree.
func (t *Tree) Root() (tlog.Hash, error) {
	return tlog.TreeHash(t.size, tlog.HashReaderFunc(t.readEdge))
}

// readEdge returns hashes whose tile is at the right edge.
func (t *Tree) readEdge(indexes []int64) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		tile := tlog.TileForIndex(TileHeight, index)
		if tile.L >= len(t.levels) || tile.N != t.size>>(TileHeight*(tile.L+1)) || tile.W > len(t.levels[tile.L]) {
			return nil, fmt.Errorf("hash %d is not at the right edge of a tree of %d lines", index, t.size)
		}
		hash, err := tlog.HashFromTile(tile, TileData(t.levels[tile.L][:tile.W]), index)
		if err != nil {
			return nil, err
		}
		found[i] = hash
	}
	return found, nil
}

// Edge calls fn with each tile at the right edge that has hashes and is not full.
func (t *Tree) Edge(fn func(tlog.Tile, []tlog.Hash)) {
	for level, hashes := range t.levels {
		if len(hashes) > 0 {
			fn(tlog.Tile{H: TileHeight, L: level, N: t.size >> (TileHeight * (level + 1)), W: len(hashes)}, hashes)
		}
	}
}

// TileData returns the content of a tile: its hashes.
func TileData(hashes []tlog.Hash) []byte {
	data := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		data = append(data, h[:]...)
	}
	return data
}

// ResumeTree returns the Tree of a size whose edge tiles read returns: it is called with each tile, and returns its
// content.
func ResumeTree(size int64, read func(tlog.Tile) ([]byte, error)) (Tree, error) {
	t := Tree{size: size}
	for level, n := 0, size; n > 0; level, n = level+1, n>>TileHeight {
		edge := make([]tlog.Hash, 0, 1<<TileHeight)
		width := int(n & (1<<TileHeight - 1))
		if width > 0 {
			data, err := read(tlog.Tile{H: TileHeight, L: level, N: n >> TileHeight, W: width})
			if err != nil {
				return t, err
			}
			if len(data) != width*tlog.HashSize {
				return t, fmt.Errorf("a tile of %d hashes has %d bytes", width, len(data))
			}
			for i := range width {
				edge = append(edge, tlog.Hash(data[i*tlog.HashSize:]))
			}
		}
		t.levels = append(t.levels, edge)
	}
	return t, nil
}

// Clone returns a copy of t.
func (t *Tree) Clone() Tree {
	c := Tree{size: t.size, levels: make([][]tlog.Hash, len(t.levels))}
	for i, edge := range t.levels {
		c.levels[i] = append(make([]tlog.Hash, 0, 1<<TileHeight), edge...)
	}
	return c
}
