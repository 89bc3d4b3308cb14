package measure

import (
	"reflect"
	"testing"
	"time"
)

func TestBuckets(t *testing.T) {
	bounds := Bounds()
	if len(bounds) != buckets || bounds[0] != first {
		t.Fatalf("bounds %v", bounds)
	}
	for i, bound := range bounds {
		var h Histogram
		h.Note(bound)
		h.Note(bound + 1)
		d := h.Read()
		if d.Counts[i] != 1 || d.Counts[i+1] != 1 || d.Total() != 2 || d.Sum != 2*bound+1 {
			t.Errorf("%v: %+v", bound, d)
		}
	}
	var h Histogram
	h.Note(-time.Second)
	h.Note(time.Hour)
	if d := h.Read(); d.Counts[0] != 1 || d.Counts[buckets] != 1 {
		t.Errorf("%+v", d)
	}
}

func TestRequests(t *testing.T) {
	r := NewRequests([]string{"Decrypt", "Encrypt"}, []string{"AccessDeniedException"})
	denied := r.Code("AccessDeniedException")
	for range 3 {
		r.note(1, OK, time.Millisecond)
	}
	r.note(2, denied, time.Second)
	for _, strange := range []int{-1, 3, 1 << 40} {
		r.note(strange, r.Code("made up by a client"), 0)
		r.note(strange, strange, 0)
	}
	want := []Count{
		{OtherName, OtherName, 6}, {"Decrypt", OKName, 3}, {"Encrypt", "AccessDeniedException", 1},
	}
	if got := r.Counts(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	totals := map[string]uint64{}
	r.Durations(func(operation string, d Distribution) { totals[operation] = d.Total() })
	if want := map[string]uint64{OtherName: 6, "Decrypt": 3, "Encrypt": 1}; !reflect.DeepEqual(totals, want) {
		t.Errorf("%v", totals)
	}
	if counts, operations := r.Most(); counts != 9 || operations != 3 {
		t.Errorf("at most %d counts of %d operations", counts, operations)
	}
	var off *Requests
	if off.Code("x") != Other {
		t.Error("a nil Requests knows a code")
	}
}

// A request costs no memory.
func TestNoteAllocatesNothing(t *testing.T) {
	r := NewRequests([]string{"Decrypt"}, nil)
	if n := testing.AllocsPerRun(1000, func() { r.Note(1, OK, r.Begin()) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkNote(b *testing.B) {
	r := NewRequests([]string{"Decrypt"}, nil)
	for b.Loop() {
		r.Note(1, OK, r.Begin())
	}
}
