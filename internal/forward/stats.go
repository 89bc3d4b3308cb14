package forward

import "time"

// Confirmed returns the index of the first line that the receiver may not have, from the file of the position.
// Retention keeps this line and all later ones while there is space, so a Forwarder that is killed finds its next line.
func (f *Forwarder) Confirmed() int64 { return f.kept.Load() }

// Stats are figures of a Forwarder.
type Stats struct {
	Lag       int64         // lines that the receiver may not have
	Behind    time.Duration // since the start, the receiver got all lines that are older than this; 0 if it has all
	Confirmed int64         // index of the first line that the receiver may not have
}

// Stats returns the figures of now. It may be called at any time.
func (f *Forwarder) Stats() Stats {
	s := Stats{Confirmed: f.first.Load()}
	if s.Lag = max(0, f.Log.Size()-s.Confirmed); s.Lag > 0 {
		s.Behind = time.Since(time.Unix(0, f.since.Load()))
	}
	return s
}

// Lag returns the number of lines that the receiver may not have.
func (f *Forwarder) Lag() int64 { return f.Stats().Lag }

// aim takes the end of the log as the next goal when the receiver has reached the former one.
func (f *Forwarder) aim(now time.Time) {
	if f.confirmed.end < f.goal.end {
		return
	}
	f.since.Store(f.goal.at.UnixNano())
	f.goal = mark{end: f.Log.Size(), at: now}
	if f.confirmed.end >= f.goal.end {
		f.since.Store(now.UnixNano())
	}
}
