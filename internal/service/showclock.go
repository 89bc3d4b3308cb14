package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
)

var showClock = query("ShowClock", asks{{Action: "keyhold:ShowClock"}}, nil,
	func(c *call, _ *api.ShowClockRequest) (*api.ClockResponse, error) { return clockResponse(c.clock), nil })

func clockResponse(clock *Clock) *api.ClockResponse {
	return &api.ClockResponse{
		Now:          timestamp(clock.Now()),
		AheadSeconds: new(int64(time.Duration(clock.offset.Load()) / time.Second)),
	}
}
