// Package measure counts what a server does, in atomic numbers of fixed memory. Counting allocates nothing, takes no
// lock and looks nothing up. The package knows no format for the numbers: package metrics shows them.
package measure

import (
	"sync/atomic"
	"time"
)

// bounds are the upper bounds of the buckets of a Histogram. They are powers of two of a microsecond times 64, so the
// bucket of a duration is a number of bits: 64 µs, 128 µs and so on up to 8.4 s.
const (
	buckets = 18
	first   = 64 * time.Microsecond
)

// Bounds returns the upper bounds of the buckets of a Histogram. Longer durations are in a last bucket.
func Bounds() (all []time.Duration) {
	for i := range buckets {
		all = append(all, first<<i)
	}
	return all
}

// A Histogram counts durations by their length. The zero value is ready.
type Histogram struct {
	counts [buckets + 1]atomic.Uint64
	sum    atomic.Int64 // nanoseconds
}

// Note counts a duration.
func (h *Histogram) Note(d time.Duration) {
	h.counts[bucketOf(d)].Add(1)
	h.sum.Add(int64(d))
}

// bucketOf returns the index of the first bucket whose bound is not less than d.
func bucketOf(d time.Duration) int {
	i := 0
	for i < buckets && d > first<<i {
		i++
	}
	return i
}

// A Distribution is what a Histogram has counted.
type Distribution struct {
	Counts []uint64 // by bucket, the last one without a bound
	Sum    time.Duration
}

// Total returns the number of durations.
func (d Distribution) Total() (n uint64) {
	for _, c := range d.Counts {
		n += c
	}
	return n
}

// Read returns the counts so far.
func (h *Histogram) Read() Distribution {
	d := Distribution{Counts: make([]uint64, len(h.counts)), Sum: time.Duration(h.sum.Load())}
	for i := range h.counts {
		d.Counts[i] = h.counts[i].Load()
	}
	return d
}
