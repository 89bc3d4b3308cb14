package admit

import (
	"hash/maphash"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Limit is a rate with a burst. The zero Limit admits nothing.
type Limit struct {
	PerSecond float64
	Burst     int // requests admitted at once after a pause; must be at least 1 to admit anything
}

// interval returns the average time between admissions.
func (l Limit) interval() time.Duration {
	return max(1, time.Duration(min(float64(time.Second)/l.PerSecond, math.MaxInt64/4)))
}

// ways is the number of places in a set.
const ways = 8

// Buckets are token buckets by name, all with the same Limit, in a table of fixed size. The methods may be
// called concurrently. A name that is in the table needs no lock and no allocation.
//
// The table is set-associative: a secret hash assigns each name to a set of a few places. A new name takes over
// the fullest bucket of its set, with the tokens that this bucket lacks. Therefore a name that lost its place
// never gets more tokens than it would have had, and a new name gets almost its full burst as long as one
// bucket of its set is almost full. To exhaust the buckets of other names, an attacker must send at the full
// rate under as many names as the table has places.
type Buckets struct {
	interval time.Duration
	burst    time.Duration // time in which an empty bucket fills up
	epoch    time.Time
	seed     maphash.Seed
	sets     []set
}

type set struct {
	mu    sync.Mutex // held while names change
	names [ways]atomic.Pointer[string]
	full  [ways]atomic.Int64 // time since epoch at which each bucket is full again (GCRA's theoretical arrival time)
}

// NewBuckets returns full Buckets with places for at least the given number of names. now must not be later
// than the times of later calls.
func NewBuckets(limit Limit, names int, now time.Time) *Buckets {
	b := &Buckets{epoch: now, seed: maphash.MakeSeed(), sets: make([]set, max(1, (names+ways-1)/ways))}
	if limit.PerSecond > 0 && limit.Burst > 0 {
		b.interval = limit.interval()
		b.burst = time.Duration(min(float64(limit.Burst)*float64(b.interval), math.MaxInt64/4))
	}
	return b
}

// Allow takes a token from the bucket of the name and reports whether there was one.
func (b *Buckets) Allow(name string, now time.Time) bool { return b.AllowN(name, now, 1) }

// AllowN takes n tokens from the bucket of the name and reports whether it did. If the bucket has fewer, it
// takes none.
func (b *Buckets) AllowN(name string, now time.Time, n int) bool {
	if b.burst == 0 || n > int(b.burst/b.interval) {
		return false
	}
	at, cost := int64(now.Sub(b.epoch)), int64(n)*int64(b.interval)
	full := b.bucket(name, at)
	for {
		was := full.Load()
		next := max(was, at) + cost
		if next-at > int64(b.burst) {
			return false
		}
		if full.CompareAndSwap(was, next) {
			return true
		}
	}
}

// bucket returns the bucket of the name. Before the caller uses the bucket, another name can take it over, and
// is then charged for this use.
func (b *Buckets) bucket(name string, at int64) *atomic.Int64 {
	s := &b.sets[maphash.String(b.seed, name)%uint64(len(b.sets))]
	if i := s.find(name); i >= 0 {
		return &s.full[i]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := s.find(name); i >= 0 {
		return &s.full[i]
	}
	fullest := 0
	for i := range s.names {
		if s.full[i].Load() < s.full[fullest].Load() {
			fullest = i
		}
	}
	kept := strings.Clone(name)
	s.names[fullest].Store(&kept)
	return &s.full[fullest]
}

// find returns the place of the name, or -1.
func (s *set) find(name string) int {
	for i := range s.names {
		if p := s.names[i].Load(); p != nil && *p == name {
			return i
		}
	}
	return -1
}
