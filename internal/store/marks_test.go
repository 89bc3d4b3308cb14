package store

import "testing"

// A mark tells the last write up to a revision that the feed has told, and never a later one.
func TestMarks(t *testing.T) {
	m := newMarks()
	of := m.of("a/1")
	newest := func(upTo, want int64) {
		t.Helper()
		if got := m.newest(of, upTo); got != want {
			t.Errorf("up to %d: %d, want %d", upTo, got, want)
		}
	}
	newest(9, 0)
	m.raise("a/1", 3)
	m.raise("a/1", 5)
	m.raise("a/1", 4) // the feed tells each revision once, and in order
	for upTo, want := range map[int64]int64{2: 2, 3: 3, 4: 3, 5: 5, 6: 5, 9: 5} {
		newest(upTo, want)
	}
	for path, want := range map[string]int64{"a/": 5, "a/2": 0, "b/": 0} {
		if got := m.newest(m.of(path), 9); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	raise(&m.all, 8) // for example, a change without its keys
	newest(7, 7)
	newest(9, 8)
}
