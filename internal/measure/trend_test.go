package measure

import (
	"reflect"
	"testing"
	"time"
)

func TestTrend(t *testing.T) {
	r := NewRequests([]string{"Decrypt", "Encrypt"}, []string{"AccessDeniedException"})
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	r.note(1, OK, time.Second) // before the first minute
	trend := NewTrend(r, at)
	if got := trend.Minutes(); len(got) != 0 {
		t.Errorf("got %+v", got)
	}
	for range 98 {
		r.note(1, OK, 64*time.Microsecond)
	}
	r.note(2, OK, 100*time.Microsecond)
	r.note(2, r.Code("AccessDeniedException"), time.Hour)
	trend.Tick(at.Add(time.Minute))
	trend.Tick(at.Add(2 * time.Minute))
	want := []Minute{
		{Begun: at, Requests: 100, Refused: 1, Median: 64 * time.Microsecond, P99: 128 * time.Microsecond},
		{Begun: at.Add(time.Minute)},
	}
	if got := trend.Minutes(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for i := range 2 * kept {
		trend.Tick(at.Add(time.Duration(i) * time.Hour))
	}
	got := trend.Minutes()
	if len(got) != kept || !got[kept-1].Begun.Equal(at.Add((2*kept-2)*time.Hour)) {
		t.Errorf("%d minutes, the last one from %v", len(got), got[len(got)-1].Begun)
	}
}

func TestQuantile(t *testing.T) {
	d := Distribution{Counts: make([]uint64, buckets+1)}
	if got := d.Quantile(0.5); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	d.Counts[0], d.Counts[3], d.Counts[buckets] = 1, 2, 1
	for q, want := range map[float64]time.Duration{0: first, 0.25: first, 0.26: 8 * first, 0.75: 8 * first, 0.76: first << buckets, 1: first << buckets} {
		if got := d.Quantile(q); got != want {
			t.Errorf("%v: got %v, want %v", q, got, want)
		}
	}
}
