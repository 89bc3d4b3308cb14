package journal

import (
	"context"
	"log/slog"
	"math"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A Journal commits changes with their events, writes the events to the audit log, and removes
// the events from the store when the log has them on disk. Its methods may be called
// concurrently.
type Journal struct {
	store     *store.Store
	audit     *audit.Log
	log       *slog.Logger
	leftovers *leftovers
}

// New returns the Journal of a store and its audit log. The caller closes the audit log before
// the Journal, so that the Journal learns of all events that the log has on disk.
func New(s *store.Store, events *audit.Log, log *slog.Logger) *Journal {
	return &Journal{store: s, audit: events, log: log, leftovers: newLeftovers(s, log)}
}

// Close removes the records that are no longer needed.
func (j *Journal) Close() error { return j.leftovers.close() }

// Clean removes a record that is no longer needed: a later transaction calls removal, which
// deletes the record. Clean does not wait.
func (j *Journal) Clean(removal func(*store.Tx) error) { j.leftovers.remove(removal) }

// Update runs fn in a transaction, and writes the events of the change in the same
// transaction. fn may run several times.
func (j *Journal) Update(ctx context.Context, fn func(*store.Tx) error, events ...audit.Event) error {
	lines := make([][]byte, len(events))
	for i, e := range events {
		var err error
		if lines[i], err = e.Line(); err != nil {
			return err
		}
	}
	after := j.audit.End()
	err := j.store.Update(ctx, func(tx *store.Tx) error {
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
		j.relay(e.EventID, lines[i])
	}
	return nil
}

// NewEventID returns a UUID that begins with the time (RFC 9562, section 5.7). Therefore the
// events in the store are stored in their order, and a transaction that writes or removes some of
// them changes few pages.
func NewEventID() string { return uuid.Must(uuid.NewV7()).String() }

// Recover writes to the log the events in the store that the log does not have, after a stop.
func (j *Journal) Recover(ctx context.Context) error {
	logged, err := j.eventsInLog(ctx)
	if err != nil {
		return err
	}
	return j.each(ctx, func(id string, r records.PendingEvent, revision int64) error {
		if logged[id] {
			j.onDisk(id)
			return nil
		}
		return j.audit.Append(audit.Stamp(r.Line, revision), func() { j.onDisk(id) })
	})
}

// eventsInLog returns the IDs of the events in the log, from the earliest offset at which an
// event of the store can begin.
func (j *Journal) eventsInLog(ctx context.Context) (map[string]bool, error) {
	from := int64(math.MaxInt64)
	err := j.each(ctx, func(_ string, r records.PendingEvent, _ int64) error {
		from = min(from, r.After)
		return nil
	})
	if err != nil {
		return nil, err
	}
	events := map[string]bool{}
	return events, j.audit.Since(from, func(id string) { events[id] = true })
}

// each calls fn with every event that was in the store when each began, and with a revision
// of the store that is not older than the event. It may miss events that came later.
func (j *Journal) each(ctx context.Context, fn func(id string, r records.PendingEvent, revision int64) error) error {
	for after := ""; ; {
		var left []store.Record[records.PendingEvent]
		var revision int64
		err := j.store.View(ctx, func(v *store.View) (err error) {
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

// relay queues the event of a committed change for the log. If the log accepts no more events,
// the event stays in the store, and the gate refuses the next request.
func (j *Journal) relay(id string, line []byte) {
	if err := j.audit.Append(audit.Stamp(line, j.store.Revision()), func() { j.onDisk(id) }); err != nil {
		j.log.Error("an event stays in the outbox", "event", id, "error", err)
	}
}

func (j *Journal) onDisk(id string) {
	j.Clean(func(tx *store.Tx) error { return records.Outbox.Delete(tx, id) })
}
