package service

import (
	"testing"

	"github.com/keyhold/keyhold/internal/redo"
)

// A restore does everything again that takes something away, or there is a reason why it need not.
func TestRestoresRedoWhatTakesAway(t *testing.T) {
	for name, o := range operations(true) {
		_, excused := redo.TakesNothing[name]
		switch waits := !o.ReadOnly && !o.onlyAdds; {
		case waits && redo.Takes(name) == excused:
			t.Errorf("%s: done again %v, excused %v", name, redo.Takes(name), excused)
		case !waits && excused:
			t.Errorf("%s takes nothing away and is excused", name)
		}
	}
}
