package admit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// drain takes tokens until the bucket is empty, and returns their number.
func drain(b *Buckets, name string, now time.Time) (n int) {
	for b.Allow(name, now) {
		n++
	}
	return n
}

func TestBurstThenRate(t *testing.T) {
	b := NewBuckets(Limit{PerSecond: 10, Burst: 5}, 100, start)
	now := start
	for _, step := range []struct {
		after time.Duration
		want  int
	}{
		{0, 5}, {0, 0}, {99 * time.Millisecond, 0}, {time.Millisecond, 1}, {300 * time.Millisecond, 3},
		{time.Hour, 5}, {-time.Minute, 0}, {time.Minute, 0}, {100 * time.Millisecond, 1},
	} {
		now = now.Add(step.after)
		if got := drain(b, "alice", now); got != step.want {
			t.Errorf("after %v: %d admitted, want %d", step.after, got, step.want)
		}
	}
	if got := drain(b, "bob", now); got != 5 {
		t.Errorf("another name: %d admitted, want 5", got)
	}
}

func TestAllowNTakesAllOrNothing(t *testing.T) {
	b := NewBuckets(Limit{PerSecond: 1, Burst: 5}, 1, start)
	for _, c := range []struct {
		n    int
		want bool
	}{{6, false}, {3, true}, {3, false}, {2, true}, {1, false}, {0, true}} {
		if got := b.AllowN("alice", start, c.n); got != c.want {
			t.Errorf("%d tokens: %v, want %v", c.n, got, c.want)
		}
	}
}

func TestLimitsAtTheEdge(t *testing.T) {
	for _, l := range []Limit{{}, {PerSecond: 1}, {Burst: 1}, {PerSecond: -1, Burst: 1}} {
		if NewBuckets(l, 1, start).Allow("alice", start) {
			t.Errorf("%+v admits", l)
		}
	}
	if got := drain(NewBuckets(Limit{PerSecond: 1e-8, Burst: 3}, 1, start), "alice", start); got != 3 {
		t.Errorf("a rate of one in three years: %d admitted, want 3", got)
	}
	if got := drain(NewBuckets(Limit{PerSecond: 5e9, Burst: 3}, 1, start), "alice", start); got != 3 {
		t.Errorf("a rate above the resolution of the clock: %d admitted, want 3", got)
	}
}

// Names that come and go do not reset the bucket of a name that has used its burst.
func TestManyNamesResetNothing(t *testing.T) {
	b := NewBuckets(Limit{PerSecond: 0.001, Burst: 3}, 64, start)
	admitted := 0
	for i := range 10_000 {
		if b.Allow("attacker", start) {
			admitted++
		}
		b.Allow(fmt.Sprint("other ", i), start)
		b.Allow(fmt.Sprint("other ", i), start)
	}
	if admitted > 3 {
		t.Errorf("the attacker was admitted %d times with a burst of 3", admitted)
	}
}

// All names together get at most the bursts of all places in the table, however many names there are.
func TestATableOfNamesHasABound(t *testing.T) {
	b := NewBuckets(Limit{PerSecond: 0.001, Burst: 3}, 64, start)
	admitted := 0
	for i := range 100_000 {
		if b.Allow(fmt.Sprint(i%1000), start) {
			admitted++
		}
	}
	if admitted > 3*64 {
		t.Errorf("%d were admitted, want at most %d", admitted, 3*64)
	}
}

// A new name is admitted although all places are taken, as long as most of the other names use less than their
// burst.
func TestAFullTableLocksNobodyOut(t *testing.T) {
	b := NewBuckets(Limit{PerSecond: 10, Burst: 100}, 64, start)
	for i := range 10_000 {
		b.Allow(fmt.Sprint("stranger ", i), start)
	}
	now := start.Add(15 * time.Second) // by now the buckets of the strangers are full again
	drain(b, "attacker", now)
	for i := range 50 {
		if got := drain(b, fmt.Sprint("honest ", i/10), now); i%10 == 0 && got < 50 {
			t.Errorf("a new name is admitted %d times, want its burst", got)
		}
	}
}

func TestConcurrentNamesGetTheirBurst(t *testing.T) {
	b := NewBuckets(Limit{PerSecond: 1, Burst: 1000}, 1000, start)
	var group sync.WaitGroup
	var admitted [4]atomic.Int64
	for worker := range 16 {
		group.Go(func() {
			for range 1000 {
				if b.Allow(fmt.Sprint("name ", worker%4), start) {
					admitted[worker%4].Add(1)
				}
			}
		})
	}
	group.Wait()
	for i := range admitted {
		if n := admitted[i].Load(); n != 1000 {
			t.Errorf("name %d was admitted %d times, want 1000", i, n)
		}
	}
}

func TestAKnownNameTakesNoMemory(t *testing.T) {
	b := NewBuckets(Limit{PerSecond: 1e6, Burst: 1e6}, 100, start)
	b.Allow("alice", start)
	if n := testing.AllocsPerRun(1000, func() { b.Allow("alice", start) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkAllow(b *testing.B) {
	buckets := NewBuckets(Limit{PerSecond: 1e9, Burst: 1e9}, 4096, start)
	const name = "arn:aws:iam::111122223333:user/alice"
	now := time.Now()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			buckets.Allow(name, now)
		}
	})
}
