package store

import (
	"testing"
	"time"
)

// What was known for more than a second is not recent, nor what was known before the machine slept, nor before the wall
// clock was set.
func TestRecent(t *testing.T) {
	for _, test := range []struct {
		age, wall time.Duration
		want      bool
	}{
		{0, 0, true},
		{time.Second, time.Second, true},
		{time.Second + 1, time.Second + 1, false},
		{100 * time.Millisecond, 600 * time.Millisecond, true},
		{100 * time.Millisecond, 601 * time.Millisecond, false},
		{100 * time.Millisecond, time.Hour, false}, // the machine slept
		{100 * time.Millisecond, -400 * time.Millisecond, true},
		{100 * time.Millisecond, -401 * time.Millisecond, false},
		{-time.Millisecond, -time.Millisecond, true}, // now was read first
	} {
		if got := isRecent(test.age, test.wall); got != test.want {
			t.Errorf("after %v, by the wall clock %v: %v", test.age, test.wall, got)
		}
	}
	if now := time.Now(); Recent(time.Time{}, now) || !Recent(now, now) {
		t.Error("the zero time is recent, or the present is not")
	}
}
