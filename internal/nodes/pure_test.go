package nodes

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/records"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		in   []time.Duration
		want time.Duration
	}{
		{nil, 0}, {[]time.Duration{5}, 5}, {[]time.Duration{9, 1}, 1}, {[]time.Duration{100, 1, 2}, 2}, {[]time.Duration{-4, 4, 0, 100}, 0}, {[]time.Duration{-90, -3}, -3},
	} {
		if got := median(test.in); got != test.want {
			t.Errorf("the median of %v is %v, got %v", test.in, test.want, got)
		}
	}
}

// Each path belongs to one node, all nodes get about as many, and the paths of a node that leaves are divided.
func TestWinner(t *testing.T) {
	ids := []string{"A", "B", "C"}
	counts := map[string]int{}
	for i := range 3000 {
		path := fmt.Sprint("due/", i)
		w := winner(ids, path)
		counts[w]++
		if backwards := winner([]string{"C", "B", "A"}, path); backwards != w {
			t.Fatalf("the order of the nodes matters: %s, %s", w, backwards)
		}
		if w != "C" && winner([]string{"A", "B"}, path) != w {
			t.Fatalf("%s changes hands although %s stays", path, w)
		}
	}
	for _, id := range ids {
		if counts[id] < 900 || counts[id] > 1100 {
			t.Errorf("%s has %d of 3000 paths", id, counts[id])
		}
	}
}

func TestMineWithoutNodes(t *testing.T) {
	var n *Nodes
	if !n.Mine("x") || n.Ready() != nil || n.Clock() != nil {
		t.Error("a node that is alone has work for others")
	}
}

func TestSort(t *testing.T) {
	for _, test := range []struct {
		paths []string
		want  change
	}{
		{nil, change{fence: true, confirm: true, members: true, confirmed: true}},
		{[]string{}, change{}},
		{[]string{"key/1/r/k", "outbox/B/e"}, change{confirm: true}},
		{[]string{"key/1/r/k", "outbox/ME/e"}, change{confirm: true}},
		{[]string{"key/1/r/k"}, change{}},                           // no event: nobody waits
		{[]string{"outbox/B/e", "outbox/B/f", "erase/s"}, change{}}, // leftovers are removed
		{[]string{"fence/B", "outbox/B/e"}, change{}},               // after an unknown outcome
		{[]string{"outbox/B/e", "outbox/C/e", "fence/C"}, change{}}, // a takeover
		{[]string{"fence/ME", "outbox/ME/e"}, change{fence: true}},  // a removal of its own, or a takeover
		{[]string{"node/B"}, change{members: true, beating: []string{"B"}}},
		{[]string{"confirmed/B"}, change{confirmed: true}},
		{[]string{"confirmed/B", "node/B", "cluster/level"}, change{members: true, confirmed: true, beating: []string{"B"}}},
	} {
		if got := sort(test.paths, "ME"); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%q is %+v, got %+v", test.paths, test.want, got)
		}
	}
}

// A censusStep is a look at one other node.
type censusStep struct {
	after time.Duration // since the step before
	beat  int64
	dead  bool
}

func TestCensusJudgesBySilence(t *testing.T) {
	const s = time.Second
	for name, steps := range map[string][]censusStep{
		"beats":            {{0, 1, false}, {2 * s, 2, false}, {2 * s, 3, false}},
		"slow beats":       {{0, 1, false}, {4 * s, 1, false}, {4 * s, 1, false}, {4 * s, 2, false}, {4 * s, 2, false}, {4 * s, 2, false}},
		"silent":           {{0, 1, false}, {4 * s, 1, false}, {4 * s, 1, false}, {4 * s, 1, false}, {3 * s, 1, false}, {1, 1, true}},
		"back":             {{0, 1, false}, {4 * s, 1, false}, {4 * s, 1, false}, {4 * s, 1, false}, {4 * s, 1, true}, {s, 2, false}},
		"the looker slept": {{0, 1, false}, {time.Hour, 1, false}, {time.Hour, 1, false}, {2 * s, 2, false}},
		"first look":       {{time.Hour, 1, false}},
	} {
		c := census{timing: DefaultTiming, others: map[string]*member{}}
		now := time.Now()
		for i, step := range steps {
			now = now.Add(step.after)
			c.look(now, map[string]records.Node{"B": {Beat: step.beat}}, map[string]bool{"B": true}, nil)
			if got := c.dead(c.others["B"]); got != step.dead || slices.Contains(c.live(), "B") == step.dead {
				t.Errorf("%s, step %d: dead is %v", name, i, got)
			}
		}
	}
}

// A node that neither serves nor beats is not dead, and a node that is gone is forgotten.
func TestCensusForgets(t *testing.T) {
	c := census{timing: DefaultTiming, others: map[string]*member{}}
	now := time.Now()
	for range 10 {
		now = now.Add(4 * time.Second)
		c.look(now, map[string]records.Node{"B": {Beat: 1}}, nil, nil)
	}
	if c.dead(c.others["B"]) || len(c.live()) != 0 {
		t.Error("a node that has stopped is alive or dead")
	}
	if c.look(now, nil, nil, nil); len(c.others) != 0 {
		t.Error("a node that was removed is known")
	}
}

func TestCensusComparesClocks(t *testing.T) {
	now := time.Now()
	c := census{timing: DefaultTiming, others: map[string]*member{}}
	look := func(beat int64, ahead map[string]time.Duration, timed bool) {
		seen, all, beating := map[string]records.Node{}, map[string]bool{}, map[string]time.Time{}
		for id, d := range ahead {
			seen[id], all[id] = records.Node{Beat: beat, Time: now.Add(d)}, true
			if timed {
				beating[id] = now
			}
		}
		c.look(now, seen, all, beating)
	}
	ahead := map[string]time.Duration{"B": -3 * time.Second, "C": -3 * time.Second, "D": time.Hour}
	if look(1, ahead, false); len(c.others) != 3 {
		t.Fatal("nodes are missing")
	}
	if look(2, ahead, false); c.others["B"].timed > 0 {
		t.Error("a clock was compared although the feed did not tell the heartbeat, which may be old")
	}
	look(2, ahead, true) // the heartbeat was read before the feed told it
	if skew, n := c.skew(); skew != 3*time.Second || n != 3 {
		t.Errorf("the clock is %v ahead of %d", skew, n)
	}
}
