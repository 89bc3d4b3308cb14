// Package listtest compares the results of a test with a list: in a file of the tree, or of literals.
package listtest

import (
	"os"
	"strings"
	"testing"
)

// Compare reports the lines of a list that differ from the lines of a file. If KEYHOLD_GOLDEN is set, Compare writes
// the file first, which is for deliberate changes of the list.
func Compare(t *testing.T, file, list string) {
	t.Helper()
	if os.Getenv("KEYHOLD_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if list == string(text) {
		return
	}
	wanted := strings.Split(string(text), "\n")
	for i, line := range strings.Split(list, "\n") {
		if i >= len(wanted) || line != wanted[i] {
			t.Errorf("line %d is\n%s\n%s has another one", i+1, line, file)
		}
	}
	if len(list) < len(text) {
		t.Errorf("%s has more text", file)
	}
}
