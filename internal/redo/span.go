package redo

import (
	"time"

	"github.com/keyhold/keyhold/internal/audit"
)

// early is how long before the Cut the first line of a log must be, because events are not exactly in the order of
// their times.
const early = time.Minute

// A span finds out whether the events of a log reach from the Cut to its end.
type span struct {
	Cut
	last    string // ID of an event before the Cut, or "" if none is known
	begins  bool   // the log has its first line, or lines from before the Cut
	reaches bool   // the log has the event last, or an event of after the Cut
	read    bool   // the span has seen an event of the node itself
}

// add adds the next event of the log.
func (s *span) add(hit audit.Hit) {
	e := hit.Event
	if !s.read && !audit.IsRecovered(hit.Line) { // those can be much older than their lines
		s.read = true
		s.begins = s.begins || e.EventTime.Before(s.Time.Add(-early))
	}
	if s.last != "" {
		s.reaches = s.reaches || e.EventID == s.last
		return
	}
	s.reaches = s.reaches || e.StoreRevision >= s.Revision || !e.EventTime.Before(s.Time.Truncate(time.Millisecond))
}

// isWhole reports whether the log has all events since the Cut. If no server ran, or a node did not tell its last
// event, then nothing shows where the log must end.
func (s *span) isWhole() bool {
	unknownEnd := s.last == "" && (s.Shared || s.Offline)
	return s.begins && (s.reaches || unknownEnd)
}
