package secrettest

import (
	"bytes"
	"crypto/rand"
	"slices"
	"testing"
)

// Copies counts what exists, and nothing of the search itself. Chance can add copies, such as registers that the runtime
// saved, but not in each of several runs.
func TestCopies(t *testing.T) {
	KeepGarbage(t)
	want, fewest := []int{2, 2, 1, 0}, []int{}
	for run := 0; run < 20 && !slices.Equal(fewest, want); run++ {
		got := countCopies(t)
		for i, n := range got {
			if n < want[i] {
				t.Errorf("got %v copies, want %v", got, want)
			}
		}
		if len(fewest) == 0 {
			fewest = got
		}
		for i, n := range got {
			fewest[i] = min(fewest[i], n)
		}
	}
	if !slices.Equal(fewest, want) {
		t.Errorf("at least %v copies, want %v", fewest, want)
	}
}

// countCopies counts the copies of a secret that exists twice, twice, once, and not at all.
func countCopies(t *testing.T) (counts []int) {
	secret := make([]byte, 32)
	rand.Read(secret)
	p := Of(secret)
	other := bytes.Clone(secret)
	counts = append(counts, Copies(t, p), Copies(t, p))
	clear(other)
	counts = append(counts, Copies(t, p))
	clear(secret)
	return append(counts, Copies(t, p))
}
