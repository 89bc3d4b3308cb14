package key

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// stateColumn returns the states in which an operation is permitted, as docs/api.md words
// them: those that are permitted or, if these are most, those that are not.
// PendingReplicaDeletion goes with PendingDeletion.
func stateColumn(r Rules, operation string) string {
	if !r.Covers(operation) {
		return ""
	}
	var permitted, refused []string
	for _, s := range []State{Enabled, Disabled, PendingDeletion, PendingImport, Unavailable, Creating, Updating} {
		if r.Permit(operation, Key{State: s}) == nil {
			permitted = append(permitted, string(s))
		} else {
			refused = append(refused, string(s))
		}
	}
	switch {
	case len(refused) == 0:
		return "all"
	case len(refused) <= 3:
		return "all but " + strings.Join(refused, ", ")
	}
	return strings.Join(permitted, ", ")
}

var apiRow = regexp.MustCompile(`(?m)^\| ([A-Z]\w+) \| ([^|]*?) ?\| `)

func TestStateColumn(t *testing.T) {
	text, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	table, _, _ := strings.Cut(string(text), "This is the grid of operations and states")
	r, rows := ParseRules(), 0
	for _, m := range apiRow.FindAllStringSubmatch(table, -1) {
		rows++
		if want := stateColumn(r, m[1]); m[2] != want {
			t.Errorf("docs/api.md: %s has the states %q, want %q", m[1], m[2], want)
		}
		key, replica := Key{State: PendingDeletion}, Key{State: PendingReplicaDeletion}
		if r.Covers(m[1]) && (r.Permit(m[1], key) == nil) != (r.Permit(m[1], replica) == nil) {
			t.Errorf("%s distinguishes the two states of pending deletion, but the table does not", m[1])
		}
	}
	if rows < 50 {
		t.Errorf("docs/api.md has %d rows", rows)
	}
}
