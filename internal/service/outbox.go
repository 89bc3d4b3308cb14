package service

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// An outbox brings the events of changes, which were committed with them, to the
// audit log, and has those removed that the log has on disk.
type outbox struct {
	store     *store.Store
	audit     *audit.Log
	log       *slog.Logger
	leftovers *leftovers
}

// update runs fn in a transaction and writes the events of what it does in the
// same one. fn may run several times.
func (s *Service) update(ctx context.Context, fn func(*store.Tx) error, events ...audit.Event) error {
	lines := make([][]byte, len(events))
	for i, e := range events {
		var err error
		if lines[i], err = e.Line(); err != nil {
			return err
		}
	}
	after := s.audit.End()
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		err := fn(tx)
		for i, e := range events {
			if err == nil {
				err = records.Outbox.Put(tx, e.EventID, records.PendingEvent{Line: lines[i], After: after})
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	for i, e := range events {
		s.outbox.relay(e.EventID, lines[i])
	}
	return nil
}

// serverEvent tells of what the server did of itself, named as CloudTrail names
// it.
func serverEvent(name, account string, now time.Time) audit.Event {
	return audit.Event{
		EventID:            newEventID(),
		EventTime:          now,
		EventName:          name,
		EventType:          audit.ServiceEvent,
		UserIdentity:       audit.Identity{AccountID: account, InvokedBy: "keyhold"},
		SourceIPAddress:    "keyhold",
		UserAgent:          "keyhold",
		RecipientAccountID: account,
	}
}

// newEventID returns a UUID that begins with the time (RFC 9562, section 5.7): so
// the events of the outbox lie side by side in the store, in their order, and what
// writes or removes some of them touches few of its pages.
func newEventID() string { return uuid.Must(uuid.NewV7()).String() }

// takeUp brings to the log what a stop left behind and the log does not have.
func (o outbox) takeUp(ctx context.Context) error {
	logged, err := o.logged(ctx)
	if err != nil {
		return err
	}
	return o.each(ctx, func(id string, r records.PendingEvent, revision int64) error {
		if logged[id] {
			o.onDisk(id)
			return nil
		}
		return o.audit.Append(audit.Stamp(r.Line, revision), func() { o.onDisk(id) })
	})
}

// logged returns the events that the log holds from where the first of those in
// the outbox can be.
func (o outbox) logged(ctx context.Context) (map[string]bool, error) {
	from := int64(math.MaxInt64)
	err := o.each(ctx, func(_ string, r records.PendingEvent, _ int64) error {
		from = min(from, r.After)
		return nil
	})
	if err != nil {
		return nil, err
	}
	events := map[string]bool{}
	return events, o.audit.Since(from, func(id string) { events[id] = true })
}

// each calls fn with all that is in the outbox, and with a revision that is not
// older. Only what came before its end is seen for certain.
func (o outbox) each(ctx context.Context, fn func(id string, r records.PendingEvent, revision int64) error) error {
	for after := ""; ; {
		var left []store.Record[records.PendingEvent]
		var revision int64
		err := o.store.View(ctx, func(v *store.View) (err error) {
			revision = v.Rev()
			left, err = records.Outbox.Scan(v, "", after, 1000)
			return err
		})
		if err != nil || len(left) == 0 {
			return err
		}
		for _, r := range left {
			if err := fn(r.Path, r.Value, revision); err != nil {
				return err
			}
		}
		after = left[len(left)-1].Path
	}
}

// relay queues the event of a change that was committed. A log that takes no
// more makes the gate refuse the next request; the event stays in the outbox.
func (o outbox) relay(id string, line []byte) {
	if err := o.audit.Append(audit.Stamp(line, o.store.Revision()), func() { o.onDisk(id) }); err != nil {
		o.log.Error("an event stays in the outbox", "event", id, "error", err)
	}
}

func (o outbox) onDisk(id string) {
	o.leftovers.remove(func(tx *store.Tx) error { return records.Outbox.Delete(tx, id) })
}
