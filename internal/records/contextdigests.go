package records

import (
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"

	"github.com/keyhold/keyhold/internal/policy"
)

// ContextDigests are the digests of an encryption context. Each digest is computed once, because
// a request is compared with many shapes of grants.
type ContextDigests struct {
	context map[string]string
	pairs   map[string][]byte
	all     []byte
}

// DigestsOf returns the digests of an encryption context. It folds the names first, because
// constraints compare names regardless of case. ok is false if the context cannot satisfy any
// constraint that has pairs.
func DigestsOf(context map[string]string) (d *ContextDigests, ok bool) {
	folded, ok := policy.FoldNames(context)
	return &ContextDigests{context: folded, pairs: map[string][]byte{}}, ok
}

// pair returns the SHA-256 of a name, with its length before it, and its value.
func (d *ContextDigests) pair(name string) []byte {
	if sum, ok := d.pairs[name]; ok {
		return sum
	}
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(name))))
	h.Write([]byte(name))
	h.Write([]byte(d.context[name]))
	d.pairs[name] = h.Sum(nil)
	return d.pairs[name]
}

// whole returns the SHA-256 of all pairs, in the order of their names.
func (d *ContextDigests) whole() []byte {
	if d.all == nil {
		h := sha256.New()
		for _, name := range slices.Sorted(maps.Keys(d.context)) {
			h.Write(d.pair(name))
		}
		d.all = h.Sum(nil)
	}
	return d.all
}

// Has reports whether the context has all names.
func (d *ContextDigests) Has(names []string) bool {
	for _, name := range names {
		if _, ok := d.context[name]; !ok {
			return false
		}
	}
	return true
}
