package measure

import (
	"context"
	"sync"
	"time"
)

// kept is the number of minutes that a Trend keeps.
const kept = 60

// A Minute is what a server did between two ticks of a Trend.
type Minute struct {
	Begun    time.Time
	Requests uint64
	Refused  uint64        // requests that did not succeed
	Median   time.Duration // upper bound of the bucket; 0 without requests
	P99      time.Duration // the same for the 99th percentile
}

// A Trend keeps what a server did in each of the last 60 minutes. Its methods may be called concurrently.
type Trend struct {
	requests *Requests

	mu      sync.Mutex
	minutes []Minute
	begun   time.Time
	total   Distribution // at the last tick
	refused uint64       // at the last tick
}

// NewTrend returns the Trend of the requests from now on.
func NewTrend(r *Requests, now time.Time) *Trend {
	t := &Trend{requests: r, begun: now}
	t.total, t.refused = r.sum()
	return t
}

// Run ticks each minute until ctx ends.
func (t *Trend) Run(ctx context.Context) {
	ticker := time.NewTicker(time.Minute)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			t.Tick(now)
		case <-ctx.Done():
			return
		}
	}
}

// Tick ends a minute, and begins the next one.
func (t *Trend) Tick(now time.Time) {
	total, refused := t.requests.sum()
	t.mu.Lock()
	defer t.mu.Unlock()
	d := total.since(t.total)
	t.minutes = append(t.minutes, Minute{
		Begun: t.begun, Requests: d.Total(), Refused: refused - t.refused, Median: d.Quantile(0.5), P99: d.Quantile(0.99),
	})
	t.minutes = t.minutes[max(0, len(t.minutes)-kept):]
	t.begun, t.total, t.refused = now, total, refused
}

// Minutes returns the complete minutes, the oldest first.
func (t *Trend) Minutes() []Minute {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]Minute{}, t.minutes...)
}

// sum returns the durations of all requests, and the number of those that did not succeed.
func (r *Requests) sum() (total Distribution, refused uint64) {
	total.Counts = make([]uint64, buckets+1)
	r.Durations(func(_ string, d Distribution) {
		total.Sum += d.Sum
		for i, n := range d.Counts {
			total.Counts[i] += n
		}
	})
	for _, c := range r.Counts() {
		if c.Code != OKName {
			refused += c.Count
		}
	}
	return total, refused
}

// since returns the counts since an older Distribution of the same Histogram.
func (d Distribution) since(older Distribution) Distribution {
	diff := Distribution{Counts: make([]uint64, len(d.Counts)), Sum: d.Sum - older.Sum}
	for i, n := range d.Counts {
		diff.Counts[i] = n - older.Counts[i]
	}
	return diff
}

// Quantile returns the upper bound of the bucket with the quantile q, from 0 to 1, or 0 if nothing was counted. For the
// last bucket, which has no bound, it returns twice the bound of the bucket before.
func (d Distribution) Quantile(q float64) time.Duration {
	total, below := d.Total(), uint64(0)
	for i, n := range d.Counts {
		if below += n; below > 0 && float64(below) >= q*float64(total) {
			return first << i
		}
	}
	return 0
}
