package audit

import (
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/listtest"
)

// Limits and times have these values. The other tests name them. SECURITY.md and docs/audit-log.md promise the bounds of
// an event.
func TestNumbers(t *testing.T) {
	listtest.Numbers(t, [][3]any{
		{"bytes of an accepted change", maxAccepted, 65_536},
		{"bytes of a refusal", maxRefused, 8192},
		{"bytes of a stamp", maxStamp, 128},
		{"texts of accepted changes", longTexts, texts{1024, 768}},
		{"texts of refusals", shortTexts, texts{192, 64}},
		{"bytes that are searched", MaxSearched, 134_217_728},
		{"bytes of a line", maxLine, 16_777_216},
		{"bytes of a write", maxBatch, 4_194_304},
		{"bytes of memory that stay after a write", maxSpare, 262_144},
		{"bytes that a loss of power can damage", unsyncedMost, 33_554_432},
		{"bytes of a sector", sector, 512},
		{"stamps that are compared at a start", tailStamps, 1000},
		{"bytes of a segment", DefaultSegment, 67_108_864},
		{"bytes of a segment in one frame", frameSize, 131_072},
		{"bytes of memory of a reader of a segment", maxWindow, 33_554_432},
		{"bytes of the value of a chain", chainSize, 16},
		{"full tiles that wait for the disk", mostTiles, 256},
		{"tiles that are synced together", tilesAtOnce, 32},
		{"findings of a kind", mostFindings, 10},
		{"events of dead nodes in a search", mostDoubles, 100_000},
		{"how late an event can be", lateness, 24 * time.Hour},
		{"pause between two deletions", retainPause(false), time.Hour},
		{"pause while a segment waits for the second device", retainPause(true), 15 * time.Second},
		{"bytes of a chunk that is searched", searchedAtOnce, 4_194_304},
		{"pause before a full disk is tried again", tryEvery, 250 * time.Millisecond},
	})
}

// Options have these defaults.
func TestDefaults(t *testing.T) {
	o := Options{}.withDefaults()
	listtest.Numbers(t, [][3]any{
		{"delay of an fsync", o.FsyncEvery, 10 * time.Millisecond},
		{"age of an unsynced line", o.MaxLag, 3 * time.Second},
		{"time limit of a write", o.MaxWait, 2500 * time.Millisecond},
		{"bytes of a segment", o.SegmentBytes, int64(67_108_864)},
		{"time between checkpoints", o.CheckpointEvery, time.Minute},
	})
	if age := time.Since(o.Now()).Abs(); age > time.Minute {
		t.Errorf("the clock is wrong by %v", age)
	}
	set := Options{FsyncEvery: 1, MaxLag: 2, MaxWait: 3, SegmentBytes: 4, CheckpointEvery: 5}
	if got := set.withDefaults(); got.FsyncEvery != 1 || got.MaxLag != 2 || got.MaxWait != 3 || got.SegmentBytes != 4 || got.CheckpointEvery != 5 {
		t.Errorf("%+v", got)
	}
}

// A text that is not an event is not read as one without content.
func TestParseEventRefuses(t *testing.T) {
	for _, line := range []string{"", "{", `{"eventVersion":1`, `[]`, `{"eventTime":"yesterday"}`} {
		if e, err := parseEvent([]byte(line)); err == nil {
			t.Errorf("%q is the event %+v", line, e)
		}
	}
}
