package main

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"sync"
	"time"
)

// limit is how long tests can run with a change.
func limit(group []*test) time.Duration { return 10*time.Second + 10*total(group) }

func total(group []*test) (sum time.Duration) {
	for _, t := range group {
		sum += t.took
	}
	return sum
}

// inOrder sorts tests: first the tests of the changed room, then all others. Of each part, first the tests that noticed
// other changes of the file and are not slow, then the quick tests. Tests of a similar duration are sorted by folder,
// so that one process can run them.
func inOrder(tests []*test, own string, kills map[*test]int) []*test {
	slow := func(t *test) int { return bits.Len(uint(t.took / (200 * time.Millisecond))) }
	rank := func(t *test) int {
		if kills[t] > 0 && slow(t) < 3 {
			return -1
		}
		return slow(t)
	}
	other := func(t *test) int {
		if t.folder == own {
			return 0
		}
		return 1
	}
	return slices.SortedStableFunc(slices.Values(tests), func(a, b *test) int {
		return cmp.Or(other(a)-other(b), rank(a)-rank(b), cmp.Compare(a.folder, b.folder), cmp.Compare(a.took, b.took))
	})
}

// groups divides tests into the tests that one process runs: tests of one folder, which take about a second.
func groups(tests []*test) (all [][]*test) {
	for _, t := range tests {
		last := len(all) - 1
		if last >= 0 && all[last][0].folder == t.folder && total(all[last])+t.took < time.Second {
			all[last] = append(all[last], t)
		} else {
			all = append(all, []*test{t})
		}
	}
	return all
}

// kills counts which tests noticed changes of a file.
type kills struct {
	mu    sync.Mutex
	count map[*source]map[*test]int
}

// add counts tests of which one noticed a change. Of more than three tests, it is too unclear which one.
func (k *kills) add(f *source, group []*test) {
	if len(group) > 3 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.count == nil {
		k.count = map[*source]map[*test]int{}
	}
	if k.count[f] == nil {
		k.count[f] = map[*test]int{}
	}
	for _, t := range group {
		k.count[f][t]++
	}
}

func (k *kills) of(f *source) map[*test]int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return maps.Clone(k.count[f])
}
