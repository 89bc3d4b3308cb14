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

func TestLimit(t *testing.T) {
	if limit != 3 {
		t.Error(limit)
	}
}

func TestBroken(t *testing.T) {
	Never()
	t.Error("fails without a change")
}

func BenchmarkNext(b *testing.B) { Next(1) }
