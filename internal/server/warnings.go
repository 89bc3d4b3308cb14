package server

import (
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

// warnOfRegion logs the Region of a request that was refused because this Region is not served. The client gets
// the error text of AWS, which does not contain this reason.
func (h *Handler) warnOfRegion(region, source string) {
	if key.ValidRegion(region) && h.regions.due(time.Now()) {
		h.Log.Warn("a request was refused because its Region is not served: to serve the Region, add it to --regions; "+
			"this is logged at most once per minute",
			"region", region, "source", source)
	}
}
