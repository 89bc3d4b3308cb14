package journal

import (
	"context"
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/transparency"
)

// A Retention says which events of the audit log are deleted.
type Retention struct {
	Keep   time.Duration                   // age of the events; 0 keeps all
	Needed func() (first int64, wait bool) // audit.Protection has its meaning
	// Event returns the event of a deletion, whose details are an audit.Deleted, and of another log of the node, whose
	// details are a NewLog. Recover writes the latter to the log.
	Event func(name string, details any) audit.Event
}

// ProtectLog protects the audit log with its keys, which are in the store. It must be called after Start and before
// the first event is written. A log without lines and checkpoints, in place of one that had a checkpoint, becomes
// another log of the node, with other keys. While the disk is full, a log without keys goes on without protection until
// the next start.
func (j *Journal) ProtectLog(ctx context.Context, r Retention) error {
	if !j.audit.Kept() {
		return nil
	}
	n, log, err := j.logKeys(ctx)
	if errors.Is(err, space.ErrFull) {
		j.log.Error("the audit log gets no keys until the next start", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	keys := audit.Keys{Origin: log.Origin, Seed: log.Seed, Chain: log.Chain}
	p := audit.Protection{Keys: keys, Log: j.log, Keep: r.Keep, Needed: r.Needed}
	p.Deletion = func(d audit.Deleted) audit.Event {
		e := r.Event(audit.DeleteSegments, d)
		e.StoreRevision = j.store.Revision()
		return e
	}
	if err := j.audit.Protect(ctx, p); err != nil {
		return err
	}
	if log.Begun {
		return nil
	}
	log.Begun = true
	err = j.store.Update(ctx, func(tx *store.Tx) error {
		if err := j.putNewLog(tx, n, log.Origin, r.Event); err != nil {
			return err
		}
		return records.AuditLogs.Put(tx, records.AuditLogPath(j.node, n), log)
	})
	if errors.Is(err, space.ErrFull) {
		return nil // the next start tries again
	}
	return err
}

// BeginLog is the name of the event of another log of a node.
const BeginLog = "BeginAuditLog"

// A NewLog has the details of BeginLog: the origins of the log of the node that begins, and of the former log, which
// was not in its folder.
type NewLog struct {
	Log    string `json:"log"`
	Former string `json:"former"`
}

// putNewLog puts the event of log number n of the node into the outbox, from which Recover writes it to the log. The
// first log of a node has no such event.
func (j *Journal) putNewLog(
	tx *store.Tx, n int, origin string, event func(name string, details any) audit.Event,
) error {
	if n == 1 {
		return nil
	}
	former, _, err := records.AuditLogs.Get(tx, records.AuditLogPath(j.node, n-1))
	if err != nil {
		return err
	}
	e := event(BeginLog, NewLog{Log: origin, Former: former.Origin})
	line, err := e.Line()
	if err != nil {
		return err
	}
	return records.Outbox.Insert(tx, records.OutboxPath(j.node, e.EventID),
		records.PendingEvent{Line: line, After: j.audit.End()})
}

// logKeys returns the keys of the audit log, and makes keys for a log that has none.
func (j *Journal) logKeys(ctx context.Context) (n int, log records.AuditLog, err error) {
	err = j.store.View(ctx, func(v *store.View) (err error) {
		n, log, err = records.LastAuditLog(v, j.node)
		return err
	})
	lost := log.Begun && j.audit.Blank() && !j.audit.HasCheckpoint()
	if err != nil || n > 0 && !lost {
		return n, log, err
	}
	n++
	if n > 1 {
		j.log.Warn("the node begins another audit log, because the former one is not in its folder", "log", n)
	}
	err = j.store.Update(ctx, func(tx *store.Tx) (err error) {
		if err := j.HoldFence(tx); err != nil {
			return err
		}
		log, err = records.BeginAuditLog(tx, j.node, n, NewAuditLog)
		return err
	})
	return n, log, err
}

// NewAuditLog returns the record of a log with new keys.
func NewAuditLog(deployment, log string) records.AuditLog {
	k := audit.Keys{
		Origin: transparency.Origin(deployment, log),
		Seed:   records.NewLogKey(),
		Chain:  records.NewLogKey(),
	}
	return records.AuditLog{Origin: k.Origin, Public: k.VerifierKey(), Seed: k.Seed, Chain: k.Chain}
}
