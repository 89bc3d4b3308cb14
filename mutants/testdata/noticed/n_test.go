package noticed

import "testing"

func TestLess(t *testing.T) {
	if Less(1, 1) {
		t.Error("1 is less than 1")
	}
	if Next(1) != 2 && Next(1) != 3 {
		t.Error("what follows 1")
	}
}
