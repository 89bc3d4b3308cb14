package naive

import (
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/policy"
)

// A condition key of KMS that this evaluator does not know would never be compared with the engine.
func TestKeysOfKMS(t *testing.T) {
	known, several := strings.Fields(keys), strings.Fields(multivalued)
	for _, k := range policy.KnownKeys() {
		if !strings.HasPrefix(k.Name, "kms:") {
			continue
		}
		if !slices.Contains(known, k.Name) || slices.Contains(several, k.Name) != k.Multi {
			t.Errorf("%s, with several values %v, is missing or different", k.Name, k.Multi)
		}
	}
}
