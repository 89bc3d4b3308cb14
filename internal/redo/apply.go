package redo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// errNothing ends a transaction that changes nothing: the backup does not have what the event took away, or has taken
// it away already.
var errNothing = errors.New("nothing to do")

// A Done says what Apply did with an event.
type Done struct {
	Event   audit.Event
	Made    bool  // the change was made again
	Problem error // why the change could not be made again; a person has to decide
}

// Apply makes the changes of a plan again in a store that no server uses. node gets an event of each change. Apply can
// be repeated.
func (p *Plan) Apply(ctx context.Context, s *store.Store, node string, now time.Time) (all []Done, err error) {
	for _, e := range p.Events {
		done := Done{Event: e}
		err := s.Update(ctx, func(tx *store.Tx) error {
			if err := rows[e.EventName].redo(tx, e); err != nil {
				return err
			}
			return putEvent(tx, node, e, now)
		})
		if notRedone, ok := errors.AsType[*notRedoneError](err); ok {
			done.Problem, err = notRedone, nil
		}
		done.Made = err == nil && done.Problem == nil
		if errors.Is(err, errNothing) {
			err = nil
		}
		if err != nil {
			return all, fmt.Errorf("do %s of event %s again: %w", e.EventName, e.EventID, err)
		}
		all = append(all, done)
	}
	return all, nil
}

// putEvent writes the event of a change that was made again.
func putEvent(tx *store.Tx, node string, of audit.Event, now time.Time) error {
	details, err := json.Marshal(struct {
		EventID   string `json:"eventID"`
		EventName string `json:"eventName"`
		EventTime string `json:"eventTime"`
	}{of.EventID, of.EventName, of.EventTime.UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	e := audit.Event{
		EventID: journal.NewEventID(), EventTime: now, EventName: "RedoAfterRestore", EventType: audit.ServiceEvent,
		UserIdentity:    audit.Identity{AccountID: of.RecipientAccountID, InvokedBy: "keyhold"},
		SourceIPAddress: "keyhold", UserAgent: "keyhold", RecipientAccountID: of.RecipientAccountID,
		Resources: of.Resources, ServiceEventDetails: details, AWSRegion: of.AWSRegion,
	}
	line, err := e.Line()
	if err != nil {
		return err
	}
	return records.Outbox.Insert(tx, records.OutboxPath(node, e.EventID), records.PendingEvent{Line: line})
}

// A notRedoneError is the reason why a change is left to a person.
type notRedoneError struct{ reason string }

func (e *notRedoneError) Error() string { return e.reason }

func notRedone(format string, args ...any) error {
	return &notRedoneError{fmt.Sprintf(format, args...)}
}
