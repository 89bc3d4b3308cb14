package server

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/key"
)

// onceAMinute limits how often strangers can cause a warning in the log.
type onceAMinute struct{ last atomic.Int64 } // Unix time

// due reports whether the warning may be logged now. If so, it returns false for the next minute.
func (o *onceAMinute) due(now time.Time) bool {
	last := o.last.Load()
	return now.Unix()-last >= 60 && o.last.CompareAndSwap(last, now.Unix())
}

// mostRefusals is how many refused requests the log names in a minute, for each operation.
const mostRefusals = 20

// mostNames bounds the names of operations that are counted. They come from clients.
const mostNames = 200

// refusals limits how often tenants and strangers can cause lines about refused requests in the log.
type refusals struct {
	mu    sync.Mutex
	begun time.Time // of the minute
	lines map[string]int
}

// due reports whether the refusal of a request for an operation may be logged now, and whether it is the last one in
// this minute.
func (r *refusals) due(operation string, now time.Time) (write, last bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lines == nil || now.Sub(r.begun) >= time.Minute {
		r.begun, r.lines = now, map[string]int{}
	}
	if _, known := r.lines[operation]; !known && len(r.lines) >= mostNames {
		operation = ""
	}
	r.lines[operation]++
	n := r.lines[operation]
	return n <= mostRefusals, n == mostRefusals
}

// warnOfRefusal logs why a request was refused, if the caller does not learn this.
func (h *Handler) warnOfRefusal(id, target string, refused *key.Error) {
	write, last := h.refusals.due(target, time.Now())
	if !write {
		return
	}
	h.Log.Warn("request refused", "request", id, "target", target, "error", refused, "cause", refused.Cause)
	if last {
		h.Log.Warn("more requests like this one are refused: the audit log has all of them, and this log has at most "+
			strconv.Itoa(mostRefusals)+" for each operation in a minute", "target", target)
	}
}

// warnOfRegion logs the Region of a request that was refused because this Region is not served. The client gets
// the error text of AWS, which does not contain this reason.
func (h *Handler) warnOfRegion(region, source string) {
	if key.ValidRegion(region) && h.regions.due(time.Now()) {
		h.Log.Warn("a request was refused because its Region is not served: to serve the Region, add it to --regions; "+
			"this is logged at most once per minute",
			"region", region, "source", source)
	}
}
