package audit

import (
	"bytes"

	"github.com/go-json-experiment/json"
)

// DeleteSegments is the name of the event of a deletion by age.
const DeleteSegments = "DeleteAuditSegments"

// A Deleted is the serviceEventDetails of the event DeleteSegments. All lines before Before were deleted, by this
// and by earlier deletions.
type Deleted struct {
	Log    string `json:"log"`    // origin
	Before int64  `json:"before"` // index of the oldest line that was kept
	Keep   string `json:"keep"`   // the age that lines reach
}

// deletionIn returns how many lines the event in a line says were deleted, and whether it is such an event.
func deletionIn(line []byte) (before int64, ok bool) {
	if !bytes.Contains(line, []byte(`"eventName":"`+DeleteSegments+`"`)) {
		return 0, false
	}
	var e struct {
		Name    string  `json:"eventName"`
		Type    string  `json:"eventType"`
		Details Deleted `json:"serviceEventDetails"`
	}
	if json.Unmarshal(line, &e) != nil || e.Name != DeleteSegments || e.Type != ServiceEvent {
		return 0, false
	}
	return e.Details.Before, true
}
