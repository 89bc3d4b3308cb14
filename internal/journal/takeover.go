package journal

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// ErrTakeoverLost means that the node came back, or that another node has begun to take it over.
var ErrTakeoverLost = errors.New("the node has another incarnation meanwhile")

// takeoverPage is the number of events that one transaction moves. An event has at most 64 KiB.
const takeoverPage = 8

// A Takeover is what this process does in place of a node that it has fenced.
type Takeover struct {
	journal           *Journal
	node, incarnation string
}

// TakeOver fences another node, unless check returns an error in the same transaction. It moves the
// events of the node to the outbox of this node, from where they come to the log of this node. Void
// records are removed: no earlier commit of the fenced node is made.
//
// TakeOver can be stopped at any moment, and repeated by this or another node. The events are always
// in the outbox of exactly one node, and each node writes an event to its log at most once.
func (j *Journal) TakeOver(ctx context.Context, node string, check func(*store.Tx) error) (Takeover, error) {
	j.takingOver.Lock()
	defer j.takingOver.Unlock()
	t := Takeover{j, node, records.NewNodeID()}
	if node == j.node {
		return t, errors.New("a node does not take over itself")
	}
	err := j.store.Update(ctx, func(tx *store.Tx) error {
		_, _, err := records.Fences.Get(tx, node)
		if err = errors.Join(err, check(tx), j.HoldFence(tx)); err != nil {
			return err
		}
		return records.Fences.Put(tx, node, records.Fence{Incarnation: t.incarnation})
	})
	if err == nil {
		err = t.moveEvents(ctx)
	}
	if err == nil {
		err = j.relayRecovered(ctx)
	}
	if err != nil {
		return t, fmt.Errorf("take over node %s: %w", node, err)
	}
	return t, nil
}

// Hold makes a transaction conflict if the node comes back, or if another node takes it over, or takes
// over this node. It returns ErrTakeoverLost or ErrFenced after that.
func (t Takeover) Hold(tx *store.Tx) error {
	f, _, err := records.Fences.Get(tx, t.node)
	if err == nil && f.Incarnation != t.incarnation {
		err = ErrTakeoverLost
	}
	return errors.Join(err, t.journal.HoldFence(tx))
}

// moveEvents moves all events of the node, in pages.
func (t Takeover) moveEvents(ctx context.Context) error {
	for {
		var page []store.Record[records.PendingEvent]
		err := t.journal.store.View(ctx, func(v *store.View) (err error) {
			page, err = records.Outbox.Scan(v, records.OutboxPath(t.node, ""), "", takeoverPage)
			return err
		})
		if err != nil || len(page) == 0 {
			return err
		}
		logged, err := t.journal.loggedBefore(page)
		if err != nil {
			return err
		}
		err = t.journal.store.Update(ctx, func(tx *store.Tx) error {
			err := t.Hold(tx)
			for _, r := range page {
				err = errors.Join(err, t.move(tx, r.Path, logged))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
}

// move moves one event, unless the log of this node has it.
func (t Takeover) move(tx *store.Tx, path string, logged map[string]bool) error {
	e, ok, err := records.Outbox.Get(tx, path)
	if err != nil || !ok {
		return err
	}
	id := path[len(records.OutboxPath(t.node, "")):]
	if !e.Void && !logged[id] {
		e.After = t.journal.audit.End()
		if e.From == "" {
			e.From = t.node
		}
		if err := records.Outbox.Put(tx, records.OutboxPath(t.journal.node, id), e); err != nil {
			return err
		}
	}
	return records.Outbox.Delete(tx, path)
}

// loggedBefore returns the IDs of all events that the log had when it was opened, if the page has an
// event that was taken over before: this node may have written it to its log at that time.
func (j *Journal) loggedBefore(page []store.Record[records.PendingEvent]) (map[string]bool, error) {
	logged := map[string]bool{}
	for _, r := range page {
		if r.Value.From != "" {
			return logged, j.audit.Since(0, func(id string) { logged[id] = true })
		}
	}
	return logged, nil
}

// relayRecovered passes the events of other nodes in the outbox of this node to the log, each once. It
// looks at the outbox, because the outcome of a transaction that moved them may have been unknown.
func (j *Journal) relayRecovered(ctx context.Context) error {
	found := map[string]bool{}
	err := j.each(ctx, j.node, func(path, id string, r records.PendingEvent, revision int64) error {
		if r.From == "" {
			return nil
		}
		if found[id] = true; j.recovering[id] {
			return nil
		}
		j.recovering[id] = true
		return j.audit.Append(lineOf(r, revision), func() { j.Clean(j.remove(path)) })
	})
	if err == nil {
		j.recovering = found
	}
	return err
}

// lineOf returns the line of an event of the store for the log.
func lineOf(r records.PendingEvent, revision int64) []byte {
	line := r.Line
	if r.From != "" {
		line = audit.Recovered(line, r.From)
	}
	return audit.Stamp(line, revision)
}
