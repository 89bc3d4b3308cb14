package nodes

import (
	"crypto/sha256"
	"encoding/binary"
)

// winner returns the node among some that takes care of a path: the node whose hash with the path is
// the highest (rendezvous hashing). If a node leaves, only its own paths change hands.
func winner(ids []string, path string) (best string) {
	var highest uint64
	for _, id := range ids {
		sum := sha256.Sum256([]byte(id + "/" + path))
		if h := binary.BigEndian.Uint64(sum[:]); best == "" || h > highest || h == highest && id < best {
			best, highest = id, h
		}
	}
	return best
}

// Mine reports whether this node takes care of the background work at a path. Nodes that see different
// nodes alive can both take care of a path, or, for a while, none of them. Without other nodes, n may be
// nil.
func (n *Nodes) Mine(path string) bool {
	return n == nil || winner(*n.live.Load(), path) == n.id
}
