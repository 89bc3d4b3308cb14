package records

import (
	"strings"
	"testing"
)

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
