package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/audit"
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

// update runs fn in a transaction and writes the event of what it does in the
// same one. fn may run several times.
func (s *Service) update(ctx context.Context, e audit.Event, fn func(*store.Tx) error) error {
	line, err := e.Line()
	if err != nil {
		return err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return outboxes.Put(tx, e.EventID, outboxRecord{line})
	})
	if err == nil {
		s.outbox.relay(ctx, e.EventID, line)
	}
	return err
}

// serverEvent tells of what the server did of itself, named as CloudTrail names
// it.
func serverEvent(name, account string, now time.Time) audit.Event {
	return audit.Event{
		EventID:            uuid.NewString(),
		EventTime:          audit.Time(now),
		EventName:          name,
		EventType:          audit.ServiceEvent,
		UserIdentity:       audit.Identity{AccountID: account, InvokedBy: "keyhold"},
		SourceIPAddress:    "keyhold",
		UserAgent:          "keyhold",
		RecipientAccountID: account,
	}
}

// takeUp brings to the log what a stop left behind and the log does not have.
func (o outbox) takeUp(ctx context.Context) error {
	for after := ""; ; {
		var left []store.Record[outboxRecord]
		var revision int64
		err := o.store.View(ctx, func(v *store.View) (err error) {
			revision = v.Rev()
			left, err = outboxes.Scan(v, "", after, 1000)
			return err
		})
		if err != nil || len(left) == 0 {
			return err
		}
		for _, r := range left {
			after = r.Path
			if o.audit.Has(r.Path) {
				o.onDisk(r.Path)
			} else if err := o.audit.Append(audit.Stamp(r.Value.Line, revision), func() { o.onDisk(r.Path) }); err != nil {
				return err
			}
		}
	}
}

// relay queues the event of a change that was committed. A log that takes no
// more makes the gate refuse the next request; the event stays in the outbox.
func (o outbox) relay(ctx context.Context, id string, line []byte) {
	var revision int64 // the change's own, or a later one
	err := o.store.View(context.WithoutCancel(ctx), func(v *store.View) error {
		revision = v.Rev()
		return nil
	})
	if err == nil {
		err = o.audit.Append(audit.Stamp(line, revision), func() { o.onDisk(id) })
	}
	if err != nil {
		o.log.Error("an event stays in the outbox", "event", id, "error", err)
	}
}

func (o outbox) onDisk(id string) {
	o.leftovers.remove(func(tx *store.Tx) error { return outboxes.Delete(tx, id) })
}
