package records

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A node that may be serving is one of those that are confirmed.
func TestServingNode(t *testing.T) {
	db := memory.New()
	serving := func(b store.Backend) (id string, err error) {
		err = b.View(t.Context(), func(r store.Reader) error {
			id, err = ServingNode(r)
			return err
		})
		return id, err
	}
	plant := func(keys ...string) {
		var b store.Batch
		for _, k := range keys {
			b.Writes = append(b.Writes, store.Write{Key: []byte(k), Value: []byte("x")})
		}
		if _, err := db.Commit(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	plant(Confirmations.Prefix, Confirmations.Prefix+"0", Confirmations.Prefix+"-x/a", "a", "z/a")
	if id, err := serving(db); id != "" || err != nil {
		t.Errorf("%q, %v", id, err)
	}
	plant(Confirmations.Prefix+"/B", Confirmations.Prefix+"/A")
	if id, err := serving(db); id != "A" || err != nil {
		t.Errorf("%q, %v", id, err)
	}
	if id, err := serving(&failingBackend{Backend: db, at: 1}); id != "" || !errors.Is(err, errRead) {
		t.Errorf("%q, %v", id, err)
	}
}

// The ID of a node has 1 to 64 letters, digits and hyphens.
func TestNodeIDs(t *testing.T) {
	for id, valid := range map[string]bool{
		"": false, "a": true, "AZaz09-": true, strings.Repeat("a", 64): true, strings.Repeat("a", 65): false,
		"a/b": false, "a b": false, "a.b": false, "a_b": false, "ä": false, "/": false, "a/": false,
	} {
		if ValidNodeID(id) != valid {
			t.Errorf("%q is valid: %v", id, !valid)
		}
	}
}
