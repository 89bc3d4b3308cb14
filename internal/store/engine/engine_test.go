package engine

import (
	"testing"
	"time"
)

func TestTarget(t *testing.T) {
	start := time.Now()
	at := func(d time.Duration) time.Time { return start.Add(d) }
	c := Ages{Keep: time.Hour}
	for _, s := range []struct {
		rev int64
		at  time.Duration
	}{{10, 0}, {10, 5 * time.Minute}, {20, 10 * time.Minute}, {25, 10*time.Minute + 30*time.Second}, {30, 20 * time.Minute}} {
		c.Note(s.rev, at(s.at))
	}
	if len(c.samples) != 3 { // 10 is the newest twice, and 25 comes too soon after 20
		t.Errorf("%d samples", len(c.samples))
	}
	for _, test := range []struct {
		at   time.Duration
		want int64
	}{
		{59*time.Minute + 59*time.Second, 0},
		{time.Hour, 10},
		{65 * time.Minute, 10},
		{90 * time.Minute, 30},
		{10 * time.Hour, 30},
	} {
		if got := c.Due(at(test.at)); got != test.want {
			t.Errorf("after %v: %d, want %d", test.at, got, test.want)
		}
	}
}

func TestOldestView(t *testing.T) {
	start := time.Now()
	var v Views
	if rev := v.Oldest(start.Add(time.Hour)); rev != 0 {
		t.Errorf("without a View: %d", rev)
	}
	v.beginAt(7, start)
	end := v.beginAt(5, start.Add(time.Minute))
	for after, want := range map[time.Duration]int64{0: 0, time.Second: 7, time.Hour: 5} {
		if rev := v.Oldest(start.Add(after)); rev != want {
			t.Errorf("of those from before %v: %d, want %d", after, rev, want)
		}
	}
	end()
	if rev := v.Oldest(start.Add(time.Hour)); rev != 7 {
		t.Errorf("after its end: %d", rev)
	}
}
