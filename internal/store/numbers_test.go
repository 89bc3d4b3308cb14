package store

import (
	"reflect"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/listtest"
)

// Limits and times have these values. The other tests name them. docs/storage.md and docs/cluster.md rely on the times,
// and every Backend on the limits of a Batch.
func TestNumbers(t *testing.T) {
	listtest.Numbers(t, [][3]any{
		{"checks and writes of a Batch", MaxBatch, 128},
		{"bytes of a Batch", MaxBytes, 1_048_576},
		{"bytes of a key", MaxKey, 1024},
		{"bytes of a slot", SlotSize, 32},
		{"changes that a Feed holds", FeedSize, 4096},
		{"bytes of the cache", cacheSize, 67_108_864},
		{"runs of a transaction", maxTries, 64},
		{"commits of unknown outcome", maxUnknown, 3},
		{"pause between runs", pause, 500 * time.Microsecond},
		{"pause before a Watch is repeated", maxRewatch, 250 * time.Millisecond},
		{"pause between measurements of the age of memory", measurePause, 250 * time.Millisecond},
		{"jump of the wall clock", maxJump, 500 * time.Millisecond},
		{"own commits that are remembered", maxOwn, 10_000},
	})
}

// An entry of the cache takes missing and opened items from an older entry of the same write.
func TestEntriesOfOneWrite(t *testing.T) {
	item := func(value string) known { return known{Item: Item{Key: []byte("k"), Value: []byte(value), Rev: 7}} }
	old := cached{item: item("old"), second: item("old second"), written: 7, value: 1, size: 10}
	opened := item("opened")
	opened.opened = true
	half := cached{item: opened, second: old.second, written: 7, value: 1, size: 10}
	for name, test := range map[string]struct{ r, old, want cached }{
		"nothing":        {cached{written: 7}, old, old},
		"one part":       {cached{written: 7, item: item("new")}, old, cached{written: 7, item: item("new"), second: old.second, value: 1, size: 10}},
		"both parts":     {cached{written: 7, item: item("new"), second: item("second")}, old, cached{written: 7, item: item("new"), second: item("second"), value: 1, size: 10}},
		"another value":  {cached{written: 7, value: 2, size: 20}, old, cached{written: 7, value: 2, size: 20, item: old.item, second: old.second}},
		"of a later one": {cached{written: 8}, old, cached{written: 8}},
		"opened before":  {cached{written: 7, item: item("new"), second: item("second")}, half, cached{written: 7, item: opened, second: item("second"), value: 1, size: 10}},
		"opened now":     {cached{written: 7, item: opened}, old, half},
	} {
		got := test.r.with(test.old)
		if !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

// An entry that is put keeps what the former entry has of the same write.
func TestPutKeepsWhatIsKnown(t *testing.T) {
	c := newCache()
	item := known{Item: Item{Key: []byte("k"), Value: []byte("item"), Rev: 7}}
	c.put("k", cached{item: item, written: 7, rev: 7})
	c.put("k", cached{value: 1, size: 1, written: 7, rev: 8})
	if got := c.entry("k"); got.value != 1 || string(got.item.Value) != "item" || got.rev != 8 {
		t.Errorf("%+v", got)
	}
}
