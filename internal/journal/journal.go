package journal

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
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

	node, incarnation string       // of this process, set by Start
	fence             atomic.Int64 // revision of the last write of the fence that this process knows
	stopped           atomic.Pointer[error]
	onFenced          func(error)

	takingOver sync.Mutex
	recovering map[string]bool // events of other nodes in the outbox that the log has or gets, by ID

	life       context.Context // ends when the Journal is closed
	end        context.CancelFunc
	resolving  sync.WaitGroup
	unresolved atomic.Int64
	late       atomic.Bool
}

// New returns the Journal of a store and its audit log. The caller closes the audit log before
// the Journal, so that the Journal learns of all events that the log has on disk. fenced is called
// once, with ErrFenced or another reason, when the node must stop.
func New(s *store.Store, events *audit.Log, log *slog.Logger, fenced func(error)) *Journal {
	j := &Journal{store: s, audit: events, log: log, leftovers: newLeftovers(s, log), onFenced: fenced}
	j.recovering = map[string]bool{}
	j.life, j.end = context.WithCancel(context.Background())
	return j
}

// Close gives up finding out unknown outcomes, and removes the records that are no longer needed.
func (j *Journal) Close() error {
	j.end()
	j.resolving.Wait()
	return j.leftovers.close()
}

// Clean removes a record that is no longer needed: a later transaction calls removal, which
// deletes the record. Clean does not wait.
func (j *Journal) Clean(removal func(*store.Tx) error) { j.leftovers.remove(removal) }

// A carried change has its events in the store, under paths of the node.
type carried struct {
	node  string
	ids   []string
	lines [][]byte
}

// path returns the path of an event in the store.
func (c carried) path(i int) string { return records.OutboxPath(c.node, c.ids[i]) }

func (j *Journal) carry(events []audit.Event) (c carried, err error) {
	c = carried{j.node, make([]string, len(events)), make([][]byte, len(events))}
	for i, e := range events {
		c.ids[i] = e.EventID
		if c.lines[i], err = e.Line(); err != nil {
			return c, err
		}
	}
	return c, nil
}

// Update runs fn in a transaction, and writes the events of the change in the same
// transaction. fn may run several times.
//
// If the store does not tell the outcome, Update finds it out. After store.ErrUnknown the change may
// have been made, or be made later. After any other error it was not made.
func (j *Journal) Update(ctx context.Context, fn func(*store.Tx) error, e audit.Event, also ...audit.Event) error {
	_, err := j.UpdateAt(ctx, 0, fn, e, also...)
	return err
}

// UpdateAt is Update that also returns the revision of the change. If the outcome had to be found
// out, a later revision can be returned.
//
// A change that names new slots gives the fence that Fence returned before the slots were put. If the
// fence was written since, the change is not made, and UpdateAt returns ErrRenewed. All other changes
// give 0.
func (j *Journal) UpdateAt(
	ctx context.Context, fence int64, fn func(*store.Tx) error, e audit.Event, also ...audit.Event,
) (rev int64, err error) {
	if err := j.Fenced(); err != nil {
		return 0, err
	}
	if j.unresolved.Load() >= maxUnresolved {
		return 0, errTooManyUnknown
	}
	c, err := j.carry(append([]audit.Event{e}, also...))
	if err != nil {
		return 0, err
	}
	after := j.audit.End()
	rev, doubt, err := j.store.UpdateAt(ctx, func(tx *store.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if err := j.checkFence(tx, fence, tx.Conflicted()); err != nil {
			return err
		}
		for i, line := range c.lines {
			if err := records.Outbox.Insert(tx, c.path(i), records.PendingEvent{Line: line, After: after}); err != nil {
				return err
			}
		}
		return nil
	})
	if doubt != nil {
		err := j.resolve(ctx, c, doubt)
		return j.store.Revision(), err
	}
	if err == nil {
		j.relay(c, j.remove)
	}
	return rev, err
}

// NewEventID returns a UUID that begins with the time (RFC 9562, section 5.7). Therefore the
// events in the store are stored in their order, and a transaction that writes or removes some of
// them changes few pages.
func NewEventID() string { return uuid.Must(uuid.NewV7()).String() }

// TimeOf returns the time at which NewEventID made an ID, or the zero time for another ID.
func TimeOf(eventID string) time.Time {
	id, err := uuid.Parse(eventID)
	if err != nil || id.Version() != 7 {
		return time.Time{}
	}
	return time.Unix(id.Time().UnixTime())
}

// MostWaiting is the largest result of Waiting.
const MostWaiting = 1000

// Waiting returns the number of events of the node in the outbox.
func (j *Journal) Waiting(ctx context.Context) (n int, err error) {
	err = j.store.View(ctx, func(v *store.View) error {
		waiting, err := records.Outbox.Scan(v, records.OutboxPath(j.node, ""), "", MostWaiting)
		n = len(waiting)
		return err
	})
	return n, err
}

// Recover writes to the log the events of the node that a stop left in the store and that the log does
// not have, and has void records removed. Start must have been called.
func (j *Journal) Recover(ctx context.Context) error {
	logged, err := j.eventsInLog(ctx)
	if err != nil {
		return err
	}
	if err := j.lowerOffsets(ctx, logged); err != nil {
		return err
	}
	return j.each(ctx, j.node, func(path, id string, r records.PendingEvent, revision int64) error {
		if r.From != "" {
			j.recovering[id] = true
		}
		switch {
		case r.Void:
			j.Clean(j.removeRenewing(path))
		case logged[id]:
			j.Clean(j.remove(path))
		default:
			return j.audit.Append(lineOf(r, revision), func() { j.Clean(j.remove(path)) })
		}
		return nil
	})
}

// lowerOffsets corrects the offsets of events that the log does not have and now gets. An offset counts the lines that
// were queued, and a kill loses queued lines, so the event can begin earlier than its offset. If this process is killed
// too, the next one must still find the event in the log.
func (j *Journal) lowerOffsets(ctx context.Context, logged map[string]bool) error {
	var late []string
	end := j.audit.End()
	err := j.each(ctx, j.node, func(path, id string, r records.PendingEvent, _ int64) error {
		if !r.Void && !logged[id] && r.After > end {
			late = append(late, path)
		}
		return nil
	})
	for page := range slices.Chunk(late, takeoverPage) {
		if err == nil {
			err = j.store.Update(ctx, func(tx *store.Tx) error { return j.putOffset(tx, page, end) })
		}
	}
	if errors.Is(err, space.ErrFull) {
		return nil // a server starts on a full disk; if it is killed, these events can be in the log twice
	}
	return err
}

// putOffset puts an offset into events in the store.
func (j *Journal) putOffset(tx *store.Tx, paths []string, offset int64) error {
	err := j.HoldFence(tx)
	for _, path := range paths {
		r, ok, failed := records.Outbox.Get(tx, path)
		if err = errors.Join(err, failed); ok && err == nil {
			r.After = offset
			err = records.Outbox.Put(tx, path, r)
		}
	}
	return err
}

// eventsInLog returns the IDs of the events in the log, from the earliest offset at which an
// event of the store can begin.
func (j *Journal) eventsInLog(ctx context.Context) (map[string]bool, error) {
	from := int64(math.MaxInt64)
	err := j.each(ctx, j.node, func(_, _ string, r records.PendingEvent, _ int64) error {
		if !r.Void {
			from = min(from, r.After)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	events := map[string]bool{}
	return events, j.audit.Since(from, func(id string) { events[id] = true })
}

// each calls fn with every record of a node that was in the outbox when each began, and with a
// revision of the store that is not older than the record. It may miss records that came later.
func (j *Journal) each(
	ctx context.Context, node string, fn func(path, id string, r records.PendingEvent, revision int64) error,
) error {
	under := records.OutboxPath(node, "")
	for after := ""; ; {
		var left []store.Record[records.PendingEvent]
		var revision int64
		err := j.store.View(ctx, func(v *store.View) (err error) {
			revision = v.Rev()
			left, err = records.Outbox.Scan(v, under, after, 1000)
			return err
		})
		if err != nil || len(left) == 0 {
			return err
		}
		for _, r := range left {
			if err := fn(r.Path, strings.TrimPrefix(r.Path, under), r.Value, revision); err != nil {
				return err
			}
		}
		after = left[len(left)-1].Path
	}
}

// relay queues the events of a change that was committed. When the log has an event on disk, its
// removal from the store follows. If the log takes no more events, they stay in the store, and the
// gate refuses the next request.
func (j *Journal) relay(c carried, removal func(path string) func(*store.Tx) error) {
	for i, line := range c.lines {
		path := c.path(i)
		err := j.audit.Append(audit.Stamp(line, j.store.Revision()), func() { j.Clean(removal(path)) })
		if err != nil {
			j.log.Error("an event stays in the outbox", "event", c.ids[i], "error", err)
		}
	}
}

// remove returns the removal of an event whose change is resolved.
func (j *Journal) remove(path string) func(*store.Tx) error {
	return func(tx *store.Tx) error { return records.Outbox.Delete(tx, path) }
}
