package admit

import (
	"testing"
	"time"
)

func newTestPauses(t *testing.T, places int) *Pauses {
	t.Helper()
	p, err := NewPauses(places)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A sleep lasts until its end, also when a place has been used before.
func TestPauseLastsUntilItsEnd(t *testing.T) {
	p := newTestPauses(t, 1)
	for _, d := range []time.Duration{3 * time.Millisecond, time.Millisecond, 20 * time.Microsecond, 1} {
		end := time.Now().Add(d)
		p.SleepUntil(end)
		if early := time.Until(end); early > 0 {
			t.Errorf("a sleep of %v ended %v too early", d, early)
		}
	}
	p.SleepUntil(time.Now().Add(-time.Hour)) // does not wait for ever: a timer that is set to 0 never ends
	p.SleepUntil(time.Now())
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// Who finds no place waits for one, and then no longer than until its own end.
func TestPausesHavePlaces(t *testing.T) {
	p := newTestPauses(t, 1)
	a := <-p.free
	end := time.Now().Add(time.Millisecond)
	done := make(chan time.Time)
	go func() { p.SleepUntil(end); done <- time.Now() }()
	select {
	case <-done:
		t.Fatal("two goroutines had the only place")
	case <-time.After(20 * time.Millisecond):
	}
	p.free <- a
	<-done
	if n := len(p.free); n != 1 {
		t.Errorf("%d places are free, want 1", n)
	}
}

// Many sleep at the same time.
func TestPausesOfMany(t *testing.T) {
	p := newTestPauses(t, 8)
	const sleepers = 100
	done := make(chan bool)
	for range sleepers {
		go func() {
			end := time.Now().Add(2 * time.Millisecond)
			p.SleepUntil(end)
			done <- !time.Now().Before(end)
		}()
	}
	for range sleepers {
		if !<-done {
			t.Error("a sleep ended too early")
		}
	}
	if err := p.Close(); err != nil || len(p.free) != 0 {
		t.Errorf("Close: %v, %d timers are left", err, len(p.free))
	}
}
