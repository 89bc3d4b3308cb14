package local

import "testing"

// Data folders have this format. An older program refuses a newer one, and this program upgrades format 1.
func TestNumbers(t *testing.T) {
	if format != 2 || oldFormat != 1 {
		t.Errorf("the format is %d, and the older one %d", format, oldFormat)
	}
}
