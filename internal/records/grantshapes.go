package records

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

// The limits of GranteeShapes. Without these limits a principal could get grants of so many
// shapes that each of its requests would cost a look-up for every grant.
const (
	MaxGrantShapes     = 20
	MaxGrantShapeNames = 16 << 10 // bytes of the names of all shapes together
)

// The index by which a request finds the grants that allow it, without reading other grants. Two
// grants of one shape with the same pairs of the encryption context allow the same requests, so a
// request needs only one of them.
var (
	GrantShapes  = tableOf[GranteeShapes]("grant-shapes")
	GrantMatches = tableOf[struct{}]("grant-match")
)

// GranteeShapes are the shapes of the grants that one principal has on one key. Every
// transaction that adds or removes such a grant reads and writes this record.
type GranteeShapes struct {
	// Salt is the key of the digests in the paths of GrantMatches. Therefore nobody can test
	// encryption contexts against the digests without the root key.
	Salt   []byte       `json:"salt"`
	Shapes []grantShape `json:"shapes"`
}

// A grantShape is a grant without the values of its constraints.
type grantShape struct {
	Number     int      `json:"number"`          // from 1; its entries in grantMatches lie under it
	Operations []string `json:"operations"`      // sorted
	Equals     bool     `json:"equals,omitzero"` // whether it has EncryptionContextEquals
	Names      []string `json:"names,omitzero"`  // in EncryptionContextSubset, in one case, sorted
	Source     bool     `json:"source,omitzero"` // whether it has SourceArn
	Count      int      `json:"count"`           // number of grants of the shape
}

// ShapeOf returns the shape of a grant, without a number.
func ShapeOf(g key.Grant) grantShape {
	names, _ := policy.FoldNames(g.Constraints.ContextSubset)
	return grantShape{
		Operations: slices.Sorted(slices.Values(g.Operations)),
		Equals:     g.Constraints.ContextEquals != nil,
		Names:      slices.Sorted(maps.Keys(names)),
		Source:     g.Constraints.SourceARN != "",
	}
}

func (s grantShape) same(o grantShape) bool {
	return s.Equals == o.Equals && s.Source == o.Source &&
		slices.Equal(s.Operations, o.Operations) && slices.Equal(s.Names, o.Names)
}

// Allows reports whether grants of the shape allow all of the operations.
func (s grantShape) Allows(operations []string) bool {
	for _, operation := range operations {
		if !slices.Contains(s.Operations, operation) {
			return false
		}
	}
	return true
}

// Find returns the index of a shape, or -1.
func (r GranteeShapes) Find(s grantShape) int { return slices.IndexFunc(r.Shapes, s.same) }

// add counts a grant of the shape, and returns the shape's number.
func (r *GranteeShapes) add(s grantShape) (number int) {
	if i := r.Find(s); i >= 0 {
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

// remove undoes add, for the shape with index i.
func (r *GranteeShapes) remove(i int) {
	if r.Shapes[i].Count--; r.Shapes[i].Count == 0 {
		r.Shapes = slices.Delete(r.Shapes, i, i+1)
	}
}

// Total returns the number of grants.
func (r GranteeShapes) Total() (n int) {
	for _, s := range r.Shapes {
		n += s.Count
	}
	return n
}

// check rejects a principal's first grant of a new shape if there are too many shapes.
func (r GranteeShapes) check(added grantShape) error {
	names := 0
	for _, s := range r.Shapes {
		for _, name := range s.Names {
			names += len(name)
		}
	}
	isNew := r.Shapes[r.Find(added)].Count == 1
	if isNew && (len(r.Shapes) > MaxGrantShapes || names > MaxGrantShapeNames) {
		return key.Errorf(key.KindLimitExceeded,
			"A principal can have grants of at most %d kinds on one key, which differ in their operations, "+
				"the types of their constraints or the names in EncryptionContextSubset, with at most %d bytes of names.",
			MaxGrantShapes, MaxGrantShapeNames)
	}
	return nil
}

// GrantShapesPath returns the path of the shapes of a grant's grantee.
func GrantShapesPath(g key.Grant) string { return KeyPathOfGrant(g) + "/" + flat(g.Grantee) }

// MatchPath returns the path of a grant's index entry.
func (r GranteeShapes) MatchPath(g key.Grant, s grantShape) string {
	equals, _ := DigestsOf(g.Constraints.ContextEquals)
	subset, _ := DigestsOf(g.Constraints.ContextSubset)
	return granteePrefix(g) + s.MatchPrefix(r.MAC(), equals, subset) + g.ID
}

func granteePrefix(g key.Grant) string { return UnderGrantee(KeyPathOfGrant(g), g.Grantee) }

// MAC returns the hash that makes the digests of the principal's entries.
func (r GranteeShapes) MAC() hash.Hash { return hmac.New(sha256.New, r.Salt) }

// MatchPrefix returns the beginning of the entries of the shape's grants that have these pairs.
// subset has all names of the shape.
func (s grantShape) MatchPrefix(mac hash.Hash, equals, subset *ContextDigests) string {
	mac.Reset()
	if s.Equals {
		mac.Write(equals.whole())
	}
	for _, name := range s.Names {
		mac.Write(subset.pair(name))
	}
	var sum [sha256.Size]byte
	return s.Prefix() + hex.EncodeToString(mac.Sum(sum[:0])[:16]) + "/"
}

// Prefix returns the beginning of the entries of all grants of the shape.
func (s grantShape) Prefix() string { return strconv.Itoa(s.Number) + "/" }

// IndexGrant adds a grant to the index.
func IndexGrant(tx *store.Tx, g key.Grant) (GranteeShapes, error) {
	r, ok, err := GrantShapes.Get(tx, GrantShapesPath(g))
	if err != nil {
		return r, err
	}
	if !ok {
		r.Salt = make([]byte, 16)
		rand.Read(r.Salt) // never fails: the program ends first (crypto/rand)
	}
	s := ShapeOf(g)
	s.Number = r.add(s)
	if err := GrantShapes.Put(tx, GrantShapesPath(g), r); err != nil {
		return r, err
	}
	return r, GrantMatches.Put(tx, r.MatchPath(g, s), struct{}{})
}

// unindexGrant removes the records that IndexGrant wrote.
func unindexGrant(tx *store.Tx, g key.Grant) error {
	r, _, err := GrantShapes.Get(tx, GrantShapesPath(g))
	if err != nil {
		return err
	}
	i := r.Find(ShapeOf(g))
	if i < 0 {
		return nil // keyhold verify reports the missing shape
	}
	if err := GrantMatches.Delete(tx, r.MatchPath(g, r.Shapes[i])); err != nil {
		return err
	}
	if r.remove(i); len(r.Shapes) == 0 {
		return GrantShapes.Delete(tx, GrantShapesPath(g))
	}
	return GrantShapes.Put(tx, GrantShapesPath(g), r)
}
