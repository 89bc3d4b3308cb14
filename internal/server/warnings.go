package server

import (
	"context"
	"log/slog"
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

// mostLines is how many lines of one kind the log has in a minute, for each operation.
const mostLines = 20

// mostNames bounds the names of operations that are counted. They come from clients.
const mostNames = 200

// perMinute limits how many lines of one kind about requests of tenants and strangers are in the log.
type perMinute struct {
	mu    sync.Mutex
	begun time.Time // of the minute
	lines map[string]int
}

// due reports whether a line about a request for an operation may be logged now, and whether it is the last one in this
// minute. When a minute begins, left is how many lines were left out in the last minute that had lines.
func (p *perMinute) due(operation string, now time.Time) (write, last bool, left int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lines == nil || now.Sub(p.begun) >= time.Minute {
		for _, n := range p.lines {
			left += max(0, n-mostLines)
		}
		p.begun, p.lines = now, map[string]int{}
	}
	if _, known := p.lines[operation]; !known && len(p.lines) >= mostNames {
		operation = ""
	}
	p.lines[operation]++
	n := p.lines[operation]
	return n <= mostLines, n == mostLines, left
}

// log logs a line about a request for an operation, unless the log has many of the kind in this minute.
func (p *perMinute) log(to *slog.Logger, level slog.Level, message, target string, details ...any) {
	write, last, left := p.due(target, time.Now())
	ctx := context.Background()
	if left > 0 {
		to.Log(ctx, level, "lines about requests were left out", "message", message, "lines", left)
	}
	if !write {
		return
	}
	to.Log(ctx, level, message, append([]any{"target", target}, details...)...)
	if last {
		to.Log(ctx, level, "further lines like this one are left out: this log has at most "+strconv.Itoa(mostLines)+
			" for each operation in a minute", "message", message, "target", target)
	}
}

// warnOfRefusal logs why a request was refused, if the caller does not learn this.
func (h *Handler) warnOfRefusal(id, target string, refused *key.Error) {
	h.refusals.log(h.Log, slog.LevelWarn, "request refused", target,
		"request", id, "error", refused, "cause", refused.Cause)
}

// logFailure logs why a request failed. The caller learns only that the server has a fault.
func (h *Handler) logFailure(id, target string, err error) {
	h.failures.log(h.Log, slog.LevelError, "request failed", target, "request", id, "error", err)
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
