package server

import (
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/sigv4"
)

// onceAMinute bounds how often strangers can have a warning logged.
type onceAMinute struct{ last atomic.Int64 } // Unix time

// due reports whether the warning may be logged now, and then not again for a minute.
func (o *onceAMinute) due(now time.Time) bool {
	last := o.last.Load()
	return now.Unix()-last >= 60 && o.last.CompareAndSwap(last, now.Unix())
}

// warnOfRegion names the Region of a refused request, which is not served. The answer to the
// client does not say so, because it is that of AWS.
func (h *Handler) warnOfRegion(r *request) {
	if _, region := sigv4.UnverifiedSigner(&r.Request); key.ValidRegion(region) && h.regions.due(time.Now()) {
		h.Log.Warn("a request was refused because its Region is not served: if it is to be served, add it to --regions; this is logged once a minute at most",
			"region", region, "source", r.from)
	}
}
