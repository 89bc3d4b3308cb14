package audit

import (
	"bytes"
	"context"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
)

// lateness is how much later than its time an event can be written and still be found by its time: another node writes
// the last events of a node that has died.
const lateness = 24 * time.Hour

// A Query selects events. Members that are empty select all.
type Query struct {
	From, To  time.Time // the time of the event; To is excluded
	Principal string    // ARN, user name, principal ID or access key ID
	Key       string    // ARN or ID of a key
	Operation string
	Outcome   string // success, failure, or an error code
	Request   string // request ID
	Event     string // event ID
}

// The values of Query.Outcome besides error codes.
const (
	Success = "success"
	Failure = "failure"
)

// Match returns the event in a line if the query selects it.
func (q Query) Match(line []byte) (e Event, ok bool) {
	for _, text := range []string{q.Principal, q.Key, q.Operation, q.Request, q.Event} {
		if !bytes.Contains(line, []byte(text)) { // parsing takes much longer
			return e, false
		}
	}
	e, err := parseEvent(line)
	return e, err == nil && q.selects(e)
}

func (q Query) selects(e Event) bool {
	u := e.UserIdentity
	switch {
	case !q.From.IsZero() && e.EventTime.Before(q.From), !q.To.IsZero() && !e.EventTime.Before(q.To),
		q.Operation != "" && e.EventName != q.Operation,
		q.Request != "" && e.RequestID != q.Request,
		q.Event != "" && e.EventID != q.Event:
		return false
	case q.Principal != "" && !slices.Contains([]string{u.ARN, u.UserName, u.PrincipalID, u.AccessKeyID}, q.Principal):
		return false
	case q.Key != "" && !slices.ContainsFunc(e.Resources, q.isKey):
		return false
	}
	switch q.Outcome {
	case "":
		return true
	case Success:
		return e.ErrorCode == ""
	case Failure:
		return e.ErrorCode != ""
	}
	return e.ErrorCode == q.Outcome
}

func (q Query) isKey(r Resource) bool {
	return r.Type == KeyResource && (r.ARN == q.Key || strings.HasSuffix(r.ARN, ":key/"+q.Key))
}

// A Hit is an event that a query selects.
type Hit struct {
	Event Event
	Line  []byte // without its newline; valid until the next Hit
	Index int64  // in the log
}

// Search yields the events of the log that a query selects, in the order of the log, from an index on. It reads only
// segments that were written at a fitting time.
func (f *Folder) Search(ctx context.Context, q Query, from int64) iter.Seq2[Hit, error] {
	return func(yield func(Hit, error) bool) {
		for at, err := range f.Between(ctx, q.From, q.To, from) {
			if err != nil {
				yield(Hit{}, err)
				return
			}
			if e, ok := q.Match(at.Line); ok && !yield(Hit{e, at.Line, at.Index}, nil) {
				return
			}
		}
	}
}

// A Line is a line of a log, without its newline, and its index.
type Line struct {
	Line  []byte
	Index int64
}

// Between yields the lines of events with a time between two times, and other lines: whole segments are left out.
func (f *Folder) Between(ctx context.Context, from, to time.Time, index int64) iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		p, err := f.parts()
		if err == nil {
			defer p.close()
			err = p.layout.gap()
		}
		if err != nil {
			yield(Line{}, err)
			return
		}
		each := func(at place, err error) bool {
			return yield(Line{at.line, at.index}, err)
		}
		for i, s := range p.layout.closed {
			early := !from.IsZero() && s.Closed.Add(time.Second).Before(from)
			if s.End <= index || early || p.after(ctx, i, to) {
				continue
			}
			if !p.layout.readSegment(ctx, i, index, each) {
				return
			}
		}
		if p.after(ctx, len(p.layout.closed), to) {
			return
		}
		first, offset := p.layout.end()
		w := walk{ctx: ctx, segment: f.path, first: first, offset: offset, from: index}
		if _, more, err := w.all(p.current, each); err != nil && more {
			yield(Line{}, err)
		}
	}
}

// after reports whether closed segment i, or the file that grows, was begun so long after a time that it has no event
// of before. A segment has lines of one day, and the clock can have gone back since the segment before was closed, so
// the first line decides.
func (p parts) after(ctx context.Context, i int, to time.Time) (is bool) {
	l := p.layout
	if i == 0 || to.IsZero() || !l.closed[i-1].Closed.After(to.Add(lateness)) {
		return false
	}
	first := func(at place, err error) bool {
		if err == nil {
			e, failed := parseEvent(at.line)
			is = failed == nil && e.EventTime.After(to.Add(lateness))
		}
		return false
	}
	if i < len(l.closed) {
		l.readSegment(ctx, i, 0, first)
	} else {
		walk{ctx: ctx}.all(io.NewSectionReader(p.current, 0, p.current.Size()), first)
	}
	return is
}

// IsRecovered reports whether a line was written in place of a node that had died, and may be in the log of that node
// too.
func IsRecovered(line []byte) bool { return bytes.Contains(line, []byte(`,"recoveredFrom":"`)) }

// IndexOf returns the index and the line of the event with an ID. found is false if the log does not have the event.
func (f *Folder) IndexOf(ctx context.Context, eventID string) (line Line, found bool, err error) {
	wanted := []byte(`"eventID":"` + eventID + `"`)
	for at, err := range f.lines(ctx, f.First()) {
		if err != nil {
			return line, false, err
		}
		if !bytes.Contains(at.line, wanted) {
			continue
		}
		if id, err := ID(at.line); err == nil && id == eventID {
			return Line{bytes.Clone(at.line), at.index}, true, nil
		}
	}
	return line, false, nil
}
