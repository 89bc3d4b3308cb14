package service

import (
	"strings"
	"testing"
)

// What uses the reserve is served, changes something, and is documented.
func TestUsesReserve(t *testing.T) {
	docs, all := readAll(t, "../../docs/full-disk.md"), operations(true)
	for _, name := range usesReserve {
		if o, ok := all[name]; !ok || o.ReadOnly || !o.usesReserve {
			t.Errorf("%s: not served, or it changes nothing", name)
		}
		if !strings.Contains(docs, name) {
			t.Errorf("%s: not in docs/full-disk.md", name)
		}
	}
}
