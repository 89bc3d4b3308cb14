package audit

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// A search by time finds each event although the clock of the server goes back, or on and back, and although a segment
// is closed meanwhile.
func TestSearchAfterClockWentBack(t *testing.T) {
	line := int64(len(mustLine(t, event("0")))) + int64(len(emptyChain)-len("}\n"))
	const day, month = 24 * time.Hour, 30 * 24 * time.Hour
	for what, steps := range map[string][]time.Duration{
		"on":                      {0, time.Hour, 2 * time.Hour, 3 * time.Hour, 27 * time.Hour, month, month + day},
		"two hours back":          {0, 6 * time.Hour, 9 * time.Hour, 7 * time.Hour, 7 * time.Hour, 8 * time.Hour, day},
		"two days back":           {month, month + time.Hour, month - 2*day, month - 2*day, month - 2*day, month - day, month},
		"a month back, and on":    {month, month, month, month, 0, 0, month, month, month + 3*day, month + 6*day},
		"a month on, and back":    {0, 0, 0, 0, month, 0, 0, day, 2 * day, 3 * day, 4 * day, 5 * day},
		"a month on, a long time": {0, 0, 0, month, month, month, month, month, 0, 0, 3 * day},
	} {
		path := filepath.Join(t.TempDir(), "audit.log")
		now := testDay.Add(-12 * time.Hour) // midnight
		l := openProtected(t, path, Options{SegmentBytes: 3 * line, Now: func() time.Time { return now }})
		for i, step := range steps {
			now = testDay.Add(step - 12*time.Hour)
			e := event(fmt.Sprint("event-", i))
			e.EventTime = now
			write(t, l, e)
		}
		closeLog(t, l)
		for _, step := range steps {
			at := testDay.Add(step - 12*time.Hour)
			var want []int
			for i, other := range steps {
				if other == step {
					want = append(want, i)
				}
			}
			q := Query{From: at, To: at.Add(time.Second)}
			if got := found(t, &Folder{path: path}, q, 0); !slices.Equal(got, want) {
				t.Errorf("%s: after %v: %d, want %d", what, step, got, want)
			}
		}
	}
}
