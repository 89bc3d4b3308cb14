package store

import (
	"testing"
	"time"
)

// The parts of a footprint are counted exactly, because the sum is compared with memory only roughly.
func TestPartsOfAFootprint(t *testing.T) {
	for bytes, want := range map[int]int{0: 0, 1: 9, 16: 25, 160: 178} {
		if got := allocationSize(bytes); got != want {
			t.Errorf("%d bytes take %d, want %d", bytes, got, want)
		}
	}
	type pair struct{ A, B string }
	number := int64(1)
	for name, test := range map[string]struct {
		value any
		want  int
	}{
		"a text":       {"0123456789abcdef", 25 + 25},
		"no text":      {"", 25},
		"a struct":     {pair{"0123456789abcdef", "x"}, 42 + 25 + 9},
		"texts":        {[]string{"x", "y"}, allocationSize(24) + 42 + 9 + 9},
		"numbers":      {[]int64{1, 2}, allocationSize(24) + 25},
		"an array":     {[2]string{"x", "y"}, 42 + 9 + 9},
		"a pointer":    {&number, 16 + allocationSize(8)},
		"no pointer":   {(*int64)(nil), 16},
		"a map":        {map[string]string{"x": "y"}, 16 + 64 + 2*(1+32) + 9 + 9},
		"no map":       {map[string]string(nil), 16},
		"a time":       {time.Now(), 24 + 1 + 8},
		"map of pairs": {map[int64]int64{1: 2, 3: 4}, 16 + 64 + 4*(1+16)},
	} {
		if got := footprint(test.value); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
	}
}
