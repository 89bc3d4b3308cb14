package store

import (
	"testing"
	"time"
)

// A Store knows which of the newest 10,000 commits it made, until its feed tells them.
func TestOwnCommits(t *testing.T) {
	f := &follower{news: make(chan struct{}), own: map[int64]bool{}}
	f.note(5)
	for rev := range int64(8) {
		f.noteOwn(rev)
	}
	for rev, want := range map[int64]bool{4: false, 5: false, 6: true, 7: true, 8: false} {
		if got := f.takeOwn(rev); got != want || f.takeOwn(rev) {
			t.Errorf("revision %d is its own: %v", rev, got)
		}
	}
	for rev := int64(1000); rev < 11_000; rev++ {
		f.noteOwn(rev)
	}
	if !f.takeOwn(1000) {
		t.Error("one of 10,000 commits is forgotten")
	}
	f.noteOwn(11_000)
	f.noteOwn(11_001) // one too many
	if f.takeOwn(1001) || !f.takeOwn(11_001) {
		t.Error("after one commit too many, another one than the newest is known")
	}
}

// A record is not recent if it is older than a second, or from before the machine slept, or from before the wall clock
// was set.
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
