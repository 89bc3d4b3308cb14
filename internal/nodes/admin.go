package nodes

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A Member is a node of a deployment, for operators.
type Member struct {
	ID string
	records.Node
	Serving   bool  // the node may answer requests: it runs, or the others have not yet noticed that it does not
	Confirmed int64 // the revision that it has confirmed
	Events    int   // that wait for its audit log, at most 1000 are counted
}

// State returns the state of the node in one word.
func (m Member) State() string {
	switch {
	case m.Removal != nil:
		return "removed"
	case m.Serving && m.Draining:
		return "draining"
	case m.Serving:
		return "serving"
	case m.Stopped:
		return "stopped"
	}
	return "dead"
}

// List returns the nodes of a deployment, sorted by their IDs.
func List(ctx context.Context, s *store.Store) (all []Member, err error) {
	err = s.View(ctx, func(v *store.View) error {
		found, err := records.Nodes.Scan(v, "", "", maxNodes)
		if err != nil {
			return err
		}
		all = nil
		for _, r := range found {
			c, serving, err := records.Confirmations.Get(v, r.Path)
			if err != nil {
				return err
			}
			events, err := records.Outbox.Scan(v, records.OutboxPath(r.Path, ""), "", 1000)
			if err != nil {
				return err
			}
			all = append(all, Member{r.Path, r.Value, serving, c.Revision, len(events)})
		}
		return nil
	})
	return all, err
}

var (
	// ErrNoNode means that the deployment has no node of an ID.
	ErrNoNode = errors.New("the deployment has no such node: \"keyhold node list\" shows its nodes")

	// ErrServing means that a node may answer requests.
	ErrServing = errors.New("the node is not stopped: stop it, or wait until another node has taken it over")

	// ErrLogMissing means that the audit log of a node was not collected.
	ErrLogMissing = errors.New("the audit log of the node is not collected: " +
		"it alone has the events of requests that changed nothing")
)

// Drain asks a node to get no more requests, or takes that back. The node continues to serve requests, but
// says that it is not ready. The next start of the node ends it too.
func Drain(ctx context.Context, s *store.Store, id string, draining bool) error {
	return alter(ctx, s, id, func(_ *store.Tx, r *records.Node) error {
		r.Draining = draining
		return nil
	})
}

// Remove asks the nodes to forget a node that is stopped or dead. They take over the rest of its events, and
// write an event of the removal. log is a copy of the audit log of the node, or nil if the operator gives the log up.
func Remove(ctx context.Context, s *store.Store, id string, log *io.SectionReader) error {
	var checked audit.Mark
	return alter(ctx, s, id, func(tx *store.Tx, r *records.Node) error {
		_, serving, err := records.Confirmations.Get(tx, id)
		switch {
		case err != nil:
			return err
		case serving:
			return ErrServing
		}
		if last := (audit.Mark{Bytes: r.LogBytes, Event: r.LastEvent}); log != nil && last != checked {
			if err := audit.CheckCopy(log, last); err != nil {
				return fmt.Errorf("%w: %w", ErrLogMissing, err)
			}
			checked = last
		}
		r.Removal = &records.Removal{LoseLog: log == nil}
		return nil
	})
}

// alter changes the record of a node.
func alter(ctx context.Context, s *store.Store, id string, change func(*store.Tx, *records.Node) error) error {
	err := s.Update(ctx, func(tx *store.Tx) error {
		r, ok, err := records.Nodes.Get(tx, id)
		if err == nil && !ok {
			err = ErrNoNode
		}
		if err == nil {
			err = change(tx, &r)
		}
		if err != nil {
			return err
		}
		return records.Nodes.Put(tx, id, r)
	})
	if err != nil {
		return fmt.Errorf("node %s: %w", id, err)
	}
	return nil
}
