package audit

import (
	"context"
	"errors"
	"iter"
)

// mostDoubles limits the events of dead nodes that Merge remembers.
const mostDoubles = 100_000

var errTooManyDoubles = errors.New("the logs have too many events of dead nodes that fulfil the conditions: " +
	"ask for a shorter time")

// Merge calls fn with the events of several logs that a query selects, ordered by time as far as each log is. An event
// that is in two logs comes once.
func Merge(ctx context.Context, logs []*Folder, q Query, fn func(Hit) error) error {
	doubles, err := doublesOf(ctx, logs, q)
	if err != nil {
		return err
	}
	var heads []*head
	for _, log := range logs {
		next, stop := iter.Pull2(log.Search(ctx, q, log.First()))
		defer stop()
		h := &head{next: next}
		if err := h.advance(); err != nil {
			return err
		}
		heads = append(heads, h)
	}
	for {
		h := earliest(heads)
		if h == nil {
			return nil
		}
		id := h.hit.Event.EventID
		if seen, double := doubles[id]; !double || !seen {
			if double {
				doubles[id] = true
			}
			if err := fn(h.hit); err != nil {
				return err
			}
		}
		if err := h.advance(); err != nil {
			return err
		}
	}
}

// doublesOf returns the IDs of the selected events that may be in two logs.
func doublesOf(ctx context.Context, logs []*Folder, q Query) (map[string]bool, error) {
	doubles := map[string]bool{}
	if len(logs) < 2 {
		return doubles, nil
	}
	for _, log := range logs {
		for hit, err := range log.Search(ctx, q, log.First()) {
			if err != nil {
				return nil, err
			}
			if IsRecovered(hit.Line) {
				doubles[hit.Event.EventID] = false
			}
			if len(doubles) > mostDoubles {
				return nil, errTooManyDoubles
			}
		}
	}
	return doubles, nil
}

// A head is the next event of a log.
type head struct {
	next func() (Hit, error, bool)
	hit  Hit
	done bool
}

func (h *head) advance() error {
	hit, err, ok := h.next()
	h.hit, h.done = hit, !ok
	return err
}

// earliest returns the head with the earliest event, or nil at the end of all logs.
func earliest(heads []*head) (first *head) {
	for _, h := range heads {
		if !h.done && (first == nil || h.hit.Event.EventTime.Before(first.hit.Event.EventTime)) {
			first = h
		}
	}
	return first
}
