package records

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// newStore returns a store on a Backend.
func newStore(t *testing.T, b store.Backend) *store.Store {
	t.Helper()
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	return store.New(b, keyring.Records())
}

// shapedGrant returns the grant with number i. Its shape has one name for each element of names.
func shapedGrant(i int, names ...string) key.Grant {
	g := key.Grant{ID: fmt.Sprint("g", i), Account: "111122223333", Region: "eu-west-2", KeyID: "k", Grantee: "p", Operations: []string{"Encrypt", "Decrypt"}}
	for _, name := range names {
		if g.Constraints.ContextSubset == nil {
			g.Constraints.ContextSubset = map[string]string{}
		}
		g.Constraints.ContextSubset[name] = "v"
	}
	return g
}

func insertGrants(t *testing.T, s *store.Store, all ...key.Grant) error {
	t.Helper()
	for _, g := range all {
		if err := s.Update(t.Context(), func(tx *store.Tx) error { return InsertGrant(tx, g) }); err != nil {
			return err
		}
	}
	return nil
}

// readShapes returns the shapes of the grantee of shapedGrant, and whether there is a record of them.
func readShapes(t *testing.T, s *store.Store) (r GranteeShapes, ok bool) {
	t.Helper()
	err := s.View(t.Context(), func(v *store.View) (err error) {
		r, ok, err = GrantShapes.Get(v, GrantShapesPath(shapedGrant(0)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return r, ok
}

// A principal can have grants of 20 shapes with 16384 bytes of names on one key, and any number of grants of these
// shapes.
func TestLimitsOfGrantShapes(t *testing.T) {
	isLimit := func(err error) bool {
		e, ok := errors.AsType[*key.Error](err)
		return ok && e.Kind == key.KindLimitExceeded && strings.Contains(err.Error(), "at most 20 kinds") && strings.Contains(err.Error(), "16384 bytes")
	}
	s := newStore(t, memory.New())
	for i := range 20 {
		if err := insertGrants(t, s, shapedGrant(i, fmt.Sprint("name", i))); err != nil {
			t.Fatalf("shape %d: %v", i+1, err)
		}
	}
	if err := insertGrants(t, s, shapedGrant(20, "another")); !isLimit(err) {
		t.Errorf("the 21st shape: %v", err)
	}
	if err := insertGrants(t, s, shapedGrant(21, "name0"), shapedGrant(22, "name19")); err != nil {
		t.Errorf("another grant of a shape that is there: %v", err)
	}
	if r, _ := readShapes(t, s); len(r.Shapes) != 20 || r.Total() != 22 {
		t.Errorf("%d shapes of %d grants", len(r.Shapes), r.Total())
	}

	s = newStore(t, memory.New())
	half, rest := strings.Repeat("a", 8192), strings.Repeat("b", 8191)
	if err := insertGrants(t, s, shapedGrant(0, half), shapedGrant(1, rest, "c")); err != nil {
		t.Errorf("16384 bytes of names: %v", err)
	}
	if err := insertGrants(t, s, shapedGrant(2, "d")); !isLimit(err) {
		t.Errorf("16385 bytes of names: %v", err)
	}
	if err := insertGrants(t, s, shapedGrant(3, half), shapedGrant(4)); err != nil {
		t.Errorf("grants that add no name: %v", err)
	}
}

// Grants differ in shape by each part of the shape, and by nothing else.
func TestGrantsOfOneShape(t *testing.T) {
	first := shapedGrant(0, "a", "b")
	changes := map[string]func(*key.Grant){
		"other operations": func(g *key.Grant) { g.Operations = []string{"Encrypt"} },
		"other names":      func(g *key.Grant) { g.Constraints.ContextSubset = map[string]string{"a": "v"} },
		"a whole context":  func(g *key.Grant) { g.Constraints.ContextEquals = map[string]string{"a": "v"} },
		"a source":         func(g *key.Grant) { g.Constraints.SourceARN = "arn:aws:s3:::b" },
	}
	for name, change := range changes {
		g := shapedGrant(0, "a", "b")
		if change(&g); ShapeOf(g).same(ShapeOf(first)) || ShapeOf(first).same(ShapeOf(g)) {
			t.Errorf("%s make the same shape", name)
		}
	}
	same := map[string]func(*key.Grant){
		"other order": func(g *key.Grant) { g.Operations = []string{"Decrypt", "Encrypt"} },
		"other values": func(g *key.Grant) {
			g.Constraints.ContextSubset = map[string]string{"a": "w", "b": "x"}
		},
		"names in capitals": func(g *key.Grant) { g.Constraints.ContextSubset = map[string]string{"A": "v", "b": "v"} },
		"another name":      func(g *key.Grant) { g.Name = "n" },
	}
	for name, change := range same {
		g := shapedGrant(1, "a", "b")
		if change(&g); !ShapeOf(g).same(ShapeOf(first)) {
			t.Errorf("%s make another shape", name)
		}
	}
	s := ShapeOf(first)
	for _, test := range []struct {
		operations []string
		want       bool
	}{{nil, true}, {[]string{"Encrypt"}, true}, {[]string{"Encrypt", "Decrypt"}, true}, {[]string{"Sign"}, false}, {[]string{"Encrypt", "Sign"}, false}, {[]string{"Sign", "Encrypt"}, false}} {
		if got := s.Allows(test.operations); got != test.want {
			t.Errorf("Allows(%v) = %v", test.operations, got)
		}
	}
}

// A new shape gets the smallest number that is free. The last grant of a shape takes the shape with it, and the last
// shape the record.
func TestNumbersOfGrantShapes(t *testing.T) {
	s := newStore(t, memory.New())
	a, b, c, b2, d := shapedGrant(0, "a"), shapedGrant(1, "b"), shapedGrant(2, "c"), shapedGrant(3, "b"), shapedGrant(4, "d")
	remove := func(g key.Grant) {
		t.Helper()
		if err := s.Update(t.Context(), func(tx *store.Tx) error { return RemoveGrant(tx, g) }); err != nil {
			t.Fatal(err)
		}
	}
	want := func(when, want string) {
		t.Helper()
		r, ok := readShapes(t, s)
		got := ""
		for _, shape := range r.Shapes {
			got += fmt.Sprint(shape.Names[0], shape.Number, "x", shape.Count, " ")
		}
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %v, want %q", when, got, ok, want)
		}
	}
	count := func(want int) {
		t.Helper()
		err := s.View(t.Context(), func(v *store.View) error {
			all, err := GrantMatches.Scan(v, "", "", 100)
			if len(all) != want {
				t.Errorf("%d entries of grants, want %d", len(all), want)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := insertGrants(t, s, a, b, c, b2); err != nil {
		t.Fatal(err)
	}
	want("at first", "a1x1 b2x2 c3x1 ")
	count(4)
	remove(b)
	want("without one of two", "a1x1 b2x1 c3x1 ")
	remove(b2)
	want("without both", "a1x1 c3x1 ")
	if err := insertGrants(t, s, d); err != nil {
		t.Fatal(err)
	}
	want("with a fourth", "a1x1 c3x1 d2x1 ")
	remove(a)
	remove(c)
	remove(a) // the record has no such shape
	want("with the fourth alone", "d2x1 ")
	count(1)
	remove(d)
	want("without any", "")
	count(0)
}

// The path of the entry of a grant has the first 16 bytes of an HMAC with the salt of the grantee: of the digest of a
// whole context, or of each pair, in the order of the names.
func TestPathsOfGrantMatches(t *testing.T) {
	pair := func(name, value string) []byte {
		sum := sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, uint64(len(name))), name+value...))
		return sum[:]
	}
	salt := []byte("0123456789abcdef")
	mac := func(parts ...[]byte) string {
		h := hmac.New(sha256.New, salt)
		for _, p := range parts {
			h.Write(p)
		}
		return hex.EncodeToString(h.Sum(nil)[:16])
	}
	whole := sha256.Sum256(slices.Concat(pair("x", "1"), pair("y", "2")))
	r := GranteeShapes{Salt: salt}
	for name, test := range map[string]struct {
		constraints key.GrantConstraints
		want        string
	}{
		"none":   {key.GrantConstraints{}, mac()},
		"subset": {key.GrantConstraints{ContextSubset: map[string]string{"B": "2", "a": "1"}}, mac(pair("a", "1"), pair("b", "2"))},
		"equals": {key.GrantConstraints{ContextEquals: map[string]string{"y": "2", "X": "1"}}, mac(whole[:])},
		"both": {key.GrantConstraints{ContextEquals: map[string]string{"y": "2", "x": "1"}, ContextSubset: map[string]string{"a": "1"}},
			mac(whole[:], pair("a", "1"))},
	} {
		g := shapedGrant(1)
		g.Constraints = test.constraints
		s := ShapeOf(g)
		s.Number = 7
		if got, want := r.MatchPath(g, s), "111122223333/eu-west-2/k/p/7/"+test.want+"/g1"; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Each principal has a random salt of 16 bytes, which stays while it has grants.
func TestSaltsOfGrantees(t *testing.T) {
	s := newStore(t, memory.New())
	other := shapedGrant(2)
	other.Grantee = "q"
	if err := insertGrants(t, s, shapedGrant(1), other); err != nil {
		t.Fatal(err)
	}
	first, _ := readShapes(t, s)
	if err := insertGrants(t, s, shapedGrant(3, "a")); err != nil {
		t.Fatal(err)
	}
	later, _ := readShapes(t, s)
	var another GranteeShapes
	if err := s.View(t.Context(), func(v *store.View) (err error) {
		another, _, err = GrantShapes.Get(v, GrantShapesPath(other))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if len(first.Salt) != 16 || !bytes.Equal(first.Salt, later.Salt) || bytes.Equal(first.Salt, another.Salt) || bytes.Equal(first.Salt, make([]byte, 16)) {
		t.Errorf("salts %x, %x, %x", first.Salt, later.Salt, another.Salt)
	}
}
