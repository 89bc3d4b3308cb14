package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// Only dev servers serve MoveClock and ShowClock. They are not part of the KMS API.
var moveClock = change("MoveClock", asks{{Action: "keyhold:MoveClock"}},
	func(in *api.MoveClockRequest, _ time.Time) error {
		if (in.AdvanceSeconds == nil) == (in.To == nil) {
			return key.Errorf(key.KindValidation, "Exactly one of AdvanceSeconds and To must be given.")
		}
		return nil
	},
	func(c *call, in *api.MoveClockRequest) (*api.ClockResponse, error) {
		c.clock.moving.Lock() // so that two simultaneous moves both count
		defer c.clock.moving.Unlock()
		var offset time.Duration
		err := c.commit(func(tx *store.Tx) error {
			r, _, err := records.Clocks.Get(tx, records.ClockPath)
			if err != nil {
				return err
			}
			before := max(time.Duration(r.OffsetNanos), time.Duration(c.clock.offset.Load())) // another node may have moved it
			step := time.Duration(or(in.AdvanceSeconds, 0)) * time.Second
			if in.To != nil {
				step = in.To.Time().Sub(c.clock.wall().Add(before))
			}
			if offset, err = offsetAfter(before, step); err != nil {
				return key.Errorf(key.KindValidation, "The clock was not moved: %v.", err)
			}
			return records.Clocks.Put(tx, records.ClockPath, records.Clock{OffsetNanos: int64(offset)})
		})
		if err != nil {
			return nil, err
		}
		c.clock.raise(offset)
		// A test that moves the clock past the date of a rotation expects the rotation at once.
		if err := c.RotateDue(c.ctx); err != nil {
			c.log.Error("a rotation that became due with the new time failed", "error", err)
		}
		return clockResponse(c.clock), nil
	})
