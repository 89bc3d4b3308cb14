package browser

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// TestUnit runs the tests of single modules of the page in Node.js.
func TestUnit(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("unit/*.test.js")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	c := exec.CommandContext(t.Context(), "node", append([]string{"--test"}, files...)...)
	out, err := c.CombinedOutput()
	passed := regexp.MustCompile(`(?m)^(?:#|ℹ) pass ([0-9]+)$`).FindSubmatch(out)
	if err != nil || passed == nil || string(passed[1]) == "0" {
		t.Fatalf("node --test: %v\n%s", err, out)
	}
	t.Logf("%s tests passed", passed[1])
}
