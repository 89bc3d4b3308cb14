package measure

import (
	"slices"
	"sync/atomic"
	"time"
)

// Other is the number of every operation and code that is not in the tables of a Requests, and its name.
const (
	Other     = 0
	OtherName = "other"
)

// OK is the number of the code of requests that succeeded, and OKName its name.
const (
	OK     = 1
	OKName = "OK"
)

// Requests counts requests by operation and code, and their durations by operation. Names of clients have no place in
// it: an operation or a code that is not in its tables counts as Other. So its memory does not grow.
type Requests struct {
	operations, codes []string
	counts            []atomic.Uint64 // by operation and code
	durations         []Histogram     // by operation
	epoch             time.Time
}

// A Moment is a time on the monotonic clock of one Requests. It costs less to read than a time.Time.
type Moment time.Duration

// NewRequests returns the Requests of the operations and of the codes of errors. The number of operations[i] is i + 1.
func NewRequests(operations, codes []string) *Requests {
	r := &Requests{
		operations: append([]string{OtherName}, operations...),
		codes:      append([]string{OtherName, OKName}, codes...),
		epoch:      time.Now(),
	}
	r.counts = make([]atomic.Uint64, len(r.operations)*len(r.codes))
	r.durations = make([]Histogram, len(r.operations))
	return r
}

// Code returns the number of the code of an error. A nil Requests knows no codes.
func (r *Requests) Code(name string) int {
	if r == nil {
		return Other
	}
	return max(Other, slices.Index(r.codes, name))
}

// Names returns the names of an operation and a code of Note.
func (r *Requests) Names(operation, code int) (string, string) {
	return r.operations[operation], r.codes[code]
}

// Begin returns the present moment.
func (r *Requests) Begin() Moment { return Moment(time.Since(r.epoch)) }

// Note counts a request that began at a moment and ends now.
func (r *Requests) Note(operation, code int, begun Moment) {
	r.note(operation, code, time.Duration(r.Begin()-begun))
}

func (r *Requests) note(operation, code int, d time.Duration) {
	if operation < 0 || operation >= len(r.operations) {
		operation = Other
	}
	if code < 0 || code >= len(r.codes) {
		code = Other
	}
	r.counts[operation*len(r.codes)+code].Add(1)
	r.durations[operation].Note(d)
}

// A Count is the number of requests of an operation that ended with a code.
type Count struct {
	Operation, Code string
	Count           uint64
}

// Counts returns the numbers that are not zero.
func (r *Requests) Counts() (all []Count) {
	for i := range r.counts {
		if n := r.counts[i].Load(); n > 0 {
			all = append(all, Count{r.operations[i/len(r.codes)], r.codes[i%len(r.codes)], n})
		}
	}
	return all
}

// Durations calls fn with the durations of each operation that had requests.
func (r *Requests) Durations(fn func(operation string, d Distribution)) {
	for i := range r.durations {
		if d := r.durations[i].Read(); d.Total() > 0 {
			fn(r.operations[i], d)
		}
	}
}

// Most returns the largest number of Counts and of operations that a Requests can ever have.
func (r *Requests) Most() (counts, operations int) { return len(r.counts), len(r.operations) }
