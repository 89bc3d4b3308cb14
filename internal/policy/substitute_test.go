package policy

import "testing"

// Patterns with variables that cannot be compared within the work limit are in doubt, and are not compared.
func TestSubstitutionHasALimit(t *testing.T) {
	p := &patterns{open: []pattern{{token{text: "text"}}}}
	for work, doubt := range map[int]bool{0: false, maxWork: true} {
		e := &evaluation{work: work}
		closed := e.substituteAll(p)
		if closed.unclear != doubt || e.short != doubt || e.work > maxWork {
			t.Errorf("after work of %d: unclear %v, short %v, work %d", work, closed.unclear, e.short, e.work)
		}
	}
}
