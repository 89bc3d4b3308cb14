package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A Clock is the clock of keys, tokens and deletions. It shows wall time, plus the offset by
// which the clock of a dev server was moved. It only moves forward.
type Clock struct {
	wall   func() time.Time
	offset atomic.Int64
	moving sync.Mutex // held while the offset is read and written
}

// NewClock returns a Clock that shows the given wall time until it is moved.
func NewClock(wall func() time.Time) *Clock { return &Clock{wall: wall} }

// Now returns the time that decides about keys, tokens and deletions.
func (c *Clock) Now() time.Time { return c.wall().Add(time.Duration(c.offset.Load())).UTC() }

// Advance moves the clock forward by d.
func (c *Clock) Advance(d time.Duration) error {
	c.moving.Lock()
	defer c.moving.Unlock()
	offset, err := offsetAfter(time.Duration(c.offset.Load()), d)
	if err == nil {
		c.offset.Store(int64(offset))
	}
	return err
}

var (
	errClockBack = errors.New("it only moves forward")
	errClockFar  = errors.New("it cannot be more than 200 years ahead of wall time")
)

// raise sets the offset, unless the clock is further ahead already.
func (c *Clock) raise(offset time.Duration) {
	for {
		old := c.offset.Load()
		if int64(offset) <= old || c.offset.CompareAndSwap(old, int64(offset)) {
			return
		}
	}
}

// offsetAfter returns the offset after moving a clock forward by step.
func offsetAfter(offset, step time.Duration) (time.Duration, error) {
	switch {
	case step < 0:
		return 0, errClockBack
	case step > records.MaxClockOffset-offset:
		return 0, errClockFar
	}
	return offset + step, nil
}

// restoreClock reads the offset that an earlier run of the dev server, or another node, stored.
func (s *Service) restoreClock(ctx context.Context) error {
	return s.newest(ctx, nil).view(func(v *store.View) error {
		r, _, err := records.Clocks.Get(v, records.ClockPath)
		s.clock.raise(time.Duration(r.OffsetNanos))
		return err
	})
}

// clockPause is the pause before the offset is read again after a failure.
const clockPause = 10 * time.Millisecond

// followClock moves the clock of a dev server when another node has moved it. The feed waits meanwhile, so that a
// node does not confirm a change of the clock before it shows the new time.
func (s *Service) followClock(ctx context.Context) func(rev int64, paths []string) {
	path := records.Clocks.Prefix + "/" + records.ClockPath
	return func(_ int64, paths []string) {
		if paths != nil && !slices.Contains(paths, path) {
			return
		}
		for s.restoreClock(ctx) != nil && ctx.Err() == nil {
			time.Sleep(clockPause)
		}
	}
}

// WithClock returns an error that depends on the clock with the time of the clock in its
// message, if the clock was moved: the caller may look at another clock. Only clocks of dev
// servers can be moved.
func (s *Service) WithClock(e *key.Error) *key.Error {
	ahead := time.Duration(s.clock.offset.Load())
	if !e.ByClock || ahead == 0 {
		return e
	}
	shown := *e
	shown.Message = fmt.Sprintf("%s: the clock of this dev server shows %s, because it was moved %s ahead of wall time",
		strings.TrimSuffix(e.Message, "."), timestamp(s.clock.Now().Truncate(time.Second)), inDays(ahead))
	return &shown
}

// inDays formats a duration of days in days.
func inDays(d time.Duration) string {
	const day = 24 * time.Hour
	if d < 2*day {
		return d.Truncate(time.Second).String()
	}
	return fmt.Sprintf("%d days", d/day)
}
