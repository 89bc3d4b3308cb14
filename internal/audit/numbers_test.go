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
		{"pause before a full disk is tried again", tryEvery, 250 * time.Millisecond},
	})
}

// A text that is not an event is not read as one without content.
func TestParseEventRefuses(t *testing.T) {
	for _, line := range []string{"", "{", `{"eventVersion":1`, `[]`, `{"eventTime":"yesterday"}`} {
		if e, err := parseEvent([]byte(line)); err == nil {
			t.Errorf("%q is the event %+v", line, e)
		}
	}
}
