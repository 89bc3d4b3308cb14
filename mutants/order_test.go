package main

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// The tests of the changed room run first, the quick ones before the slow ones, and the ones that noticed other
// changes of the file before all others that are not much quicker.
func TestOrder(t *testing.T) {
	const ms = time.Millisecond
	slow := &test{folder: "own", name: "slow", took: 3000 * ms}
	killer := &test{folder: "own", name: "killer", took: 700 * ms}
	all := []*test{
		{folder: "a", name: "1", took: 1 * ms},
		{folder: "own", name: "2", took: 2 * ms},
		slow,
		{folder: "b", name: "3", took: 3 * ms},
		{folder: "a", name: "4", took: 4 * ms},
		{folder: "own", name: "600", took: 600 * ms},
		{folder: "own", name: "500", took: 500 * ms},
		killer,
	}
	var got []string
	for _, group := range groups(inOrder(all, "own", map[*test]int{killer: 1, slow: 1})) {
		var names []string
		for _, test := range group {
			names = append(names, test.name)
		}
		got = append(got, fmt.Sprint(group[0].folder, names))
	}
	const want = "own[killer 2] own[500] own[600] own[slow] a[1 4] b[3]"
	if got := strings.Join(got, " "); got != want {
		t.Errorf("%s instead of %s", got, want)
	}
	if limit := limit(all[5:7]); limit != 21*time.Second {
		t.Error(limit)
	}
}

func TestKills(t *testing.T) {
	var k kills
	f, other := &source{}, &source{}
	a, b := &test{}, &test{}
	k.add(f, []*test{a, b})
	k.add(f, []*test{b})
	k.add(f, []*test{a, a, a, a}) // too many
	if got := k.of(f); got[a] != 1 || got[b] != 2 {
		t.Error(got)
	}
	if got := k.of(other); len(got) != 0 {
		t.Error(got)
	}
}
