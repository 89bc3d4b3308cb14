package service

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strconv"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/store"
)

// The limits of granteeShapes. Without them a principal could be given grants of so many
// shapes that each of its requests would cost a look-up for every grant.
const (
	maxGrantShapes     = 20
	maxGrantShapeNames = 16 << 10 // bytes of the names of all shapes together
)

// The index by which a request finds the grants that allow it, without looking at those
// that do not. Two grants of one shape with the same pairs of the encryption context
// allow the same requests, so one of them is enough.
var (
	shapesOfGrantees = store.Table[granteeShapes]{Prefix: "grant-shapes", Codec: store.JSON[granteeShapes]()}
	grantMatches     = store.Table[struct{}]{Prefix: "grant-match", Codec: store.JSON[struct{}]()}
)

// granteeShapes are the shapes of the grants that one principal has on one key. Whatever
// adds or removes such a grant reads and writes this record.
type granteeShapes struct {
	// Salt is the key of the digests in the paths of grantMatches: without the root key
	// nobody can try which encryption context a digest stands for.
	Salt   []byte       `json:"salt"`
	Shapes []grantShape `json:"shapes"`
}

// A grantShape is a grant without its values.
type grantShape struct {
	Number     int      `json:"number"`          // from 1; its entries in grantMatches lie under it
	Operations []string `json:"operations"`      // sorted
	Equals     bool     `json:"equals,omitzero"` // whether it has EncryptionContextEquals
	Names      []string `json:"names,omitzero"`  // in EncryptionContextSubset, in one case, sorted
	Source     bool     `json:"source,omitzero"` // whether it has SourceArn
	Count      int      `json:"count"`           // of the grants
}

// shapeOf returns the shape of a grant, without a number.
func shapeOf(g key.Grant) grantShape {
	names, _ := policy.FoldNames(g.Constraints.ContextSubset)
	return grantShape{
		Operations: slices.Sorted(slices.Values(g.Operations)),
		Equals:     g.Constraints.ContextEquals != nil,
		Names:      slices.Sorted(maps.Keys(names)),
		Source:     g.Constraints.SourceARN != "",
	}
}

func (s grantShape) same(o grantShape) bool {
	return s.Equals == o.Equals && s.Source == o.Source && slices.Equal(s.Operations, o.Operations) && slices.Equal(s.Names, o.Names)
}

// allows reports whether grants of the shape are for all operations.
func (s grantShape) allows(operations []string) bool {
	for _, operation := range operations {
		if !slices.Contains(s.Operations, operation) {
			return false
		}
	}
	return true
}

// find returns the place of a shape, -1 if there is none.
func (r granteeShapes) find(s grantShape) int { return slices.IndexFunc(r.Shapes, s.same) }

// add counts a grant of the shape, and returns the shape's number.
func (r *granteeShapes) add(s grantShape) (number int) {
	if i := r.find(s); i >= 0 {
		r.Shapes[i].Count++
		return r.Shapes[i].Number
	}
	s.Number, s.Count = 1, 1
	for slices.ContainsFunc(r.Shapes, func(o grantShape) bool { return o.Number == s.Number }) {
		s.Number++
	}
	r.Shapes = append(r.Shapes, s)
	return s.Number
}

// remove takes back what add did, for the shape at place i.
func (r *granteeShapes) remove(i int) {
	if r.Shapes[i].Count--; r.Shapes[i].Count == 0 {
		r.Shapes = slices.Delete(r.Shapes, i, i+1)
	}
}

// total is the number of grants.
func (r granteeShapes) total() (n int) {
	for _, s := range r.Shapes {
		n += s.Count
	}
	return n
}

// check refuses a principal's first grant of a new shape where there are too many.
func (r granteeShapes) check(added grantShape) error {
	names := 0
	for _, s := range r.Shapes {
		for _, name := range s.Names {
			names += len(name)
		}
	}
	isNew := r.Shapes[r.find(added)].Count == 1
	if isNew && (len(r.Shapes) > maxGrantShapes || names > maxGrantShapeNames) {
		return key.Errorf(key.KindLimitExceeded,
			"A principal can have grants of at most %d kinds on one key, which differ in their operations, the types of their constraints or the names in EncryptionContextSubset, with at most %d bytes of names.",
			maxGrantShapes, maxGrantShapeNames)
	}
	return nil
}

// shapesPath is where the shapes of a grant's grantee lie.
func shapesPath(g key.Grant) string { return keyOf(g) + "/" + flat(g.Grantee) }

// matchPath is the place of a grant in the index.
func (r granteeShapes) matchPath(g key.Grant, s grantShape) string {
	equals, _ := digestsOf(g.Constraints.ContextEquals)
	subset, _ := digestsOf(g.Constraints.ContextSubset)
	return granteePrefix(g) + s.under(r.mac(), equals, subset) + g.ID
}

func granteePrefix(g key.Grant) string { return ofGrantee(keyOf(g), g.Grantee) }

// mac makes the digests of the principal's entries.
func (r granteeShapes) mac() hash.Hash { return hmac.New(sha256.New, r.Salt) }

// under begins the entries of the grants of the shape that have these pairs. subset has
// all names of the shape.
func (s grantShape) under(mac hash.Hash, equals, subset *contextDigests) string {
	mac.Reset()
	if s.Equals {
		mac.Write(equals.whole())
	}
	for _, name := range s.Names {
		mac.Write(subset.pair(name))
	}
	var sum [sha256.Size]byte
	return s.all() + hex.EncodeToString(mac.Sum(sum[:0])[:16]) + "/"
}

// all begins the entries of all grants of the shape.
func (s grantShape) all() string { return strconv.Itoa(s.Number) + "/" }

// indexGrant adds a grant to the index.
func indexGrant(tx *store.Tx, g key.Grant) (granteeShapes, error) {
	r, ok, err := shapesOfGrantees.Get(tx, shapesPath(g))
	if err != nil {
		return r, err
	}
	if !ok {
		r.Salt = make([]byte, 16)
		rand.Read(r.Salt) // never fails: the program ends first (crypto/rand)
	}
	s := shapeOf(g)
	s.Number = r.add(s)
	if err := shapesOfGrantees.Put(tx, shapesPath(g), r); err != nil {
		return r, err
	}
	return r, grantMatches.Put(tx, r.matchPath(g, s), struct{}{})
}

// unindexGrant takes back what indexGrant wrote.
func unindexGrant(tx *store.Tx, g key.Grant) error {
	r, _, err := shapesOfGrantees.Get(tx, shapesPath(g))
	if err != nil {
		return err
	}
	i := r.find(shapeOf(g))
	if i < 0 {
		return nil // keyhold verify reports what is missing
	}
	if err := grantMatches.Delete(tx, r.matchPath(g, r.Shapes[i])); err != nil {
		return err
	}
	if r.remove(i); len(r.Shapes) == 0 {
		return shapesOfGrantees.Delete(tx, shapesPath(g))
	}
	return shapesOfGrantees.Put(tx, shapesPath(g), r)
}
