package listtest

import "testing"

// Numbers compares limits and times of the code with literals. A row has the name of a number, the number, and the
// literal, which has the type of the number.
func Numbers(t *testing.T, rows [][3]any) {
	t.Helper()
	for _, row := range rows {
		if row[1] != row[2] {
			t.Errorf("%s: %v, want %v", row[0], row[1], row[2])
		}
	}
}
