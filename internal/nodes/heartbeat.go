package nodes

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var (
	// ErrRewound means that the store has lost a heartbeat of this node: an older copy was restored.
	ErrRewound = errors.New("the store has lost a heartbeat of this node: it was restored from an older copy")

	// ErrTwin means that another process has the memory of this one, such as a virtual machine that was
	// cloned while it ran.
	ErrTwin = errors.New("another process writes the heartbeat of this node: the running node was copied")

	// ErrNewerLevel means that the nodes of the deployment write records that this program does not know.
	ErrNewerLevel = errors.New("the nodes of this deployment run a newer version of the program")
)

// A heartbeat is the number of the last heartbeat that the store has acknowledged, and of the last one
// that it may have.
type heartbeat struct{ known, tried int64 }

// Join makes the others wait for the confirmations of this process from now on. It returns when the memory
// of this process is up to date, so that the process may answer requests.
func (n *Nodes) Join(ctx context.Context) error {
	err := n.Store.Update(ctx, func(tx *store.Tx) error {
		_, _, err := records.Confirmations.Get(tx, n.id)
		return errors.Join(
			err,
			n.Journal.HoldFence(tx),
			n.enterLevel(tx),
			records.Confirmations.Put(tx, n.id, records.Confirmation{Incarnation: n.Journal.Incarnation()}))
	})
	if err != nil {
		return fmt.Errorf("join the nodes of the deployment: %w", err)
	}
	n.started = true
	joined := n.Store.Revision()
	if err := n.Store.AwaitTold(ctx, joined); err != nil {
		return err
	}
	if err := n.Journal.CheckFence(ctx); err != nil {
		return err
	}
	if err := n.look(ctx, true, nil); err != nil {
		return err
	}
	n.confirmer.want(joined)
	n.gone.Go(n.watch)
	n.gone.Go(n.confirm)
	n.gone.Go(n.takeOvers)
	return nil
}

// record returns the record of this node with a heartbeat.
func (n *Nodes) record(incarnation string, beat int64) records.Node {
	last := n.LastEvent()
	r := records.Node{
		Incarnation: incarnation, Address: n.Address, Version: n.Version, Level: n.Level,
		Time: n.Wall().UTC(), Beat: beat, LogBytes: last.Bytes, LastEvent: last.Event,
	}
	if n.Seal != nil {
		r.SealMembers = n.Seal()
	}
	return r.AtLevel(n.CommonLevel())
}

// beats writes the heartbeats until Close.
func (n *Nodes) beats() {
	tick := time.NewTicker(n.Timing.Beat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-n.life.Done():
			return
		}
		ctx, cancel := context.WithTimeout(n.life, n.Timing.Beat)
		if err := n.beat(ctx); err != nil && n.life.Err() == nil && n.Journal.Fenced() == nil {
			n.Log.Warn("a heartbeat of this node was not written; the node tries again", "error", err)
		}
		cancel()
	}
}

// beat writes a heartbeat. It stops the node if the store does not have its former heartbeat.
func (n *Nodes) beat(ctx context.Context) error {
	if n.Journal.Fenced() != nil {
		return nil
	}
	n.heartbeat.tried++
	next := n.heartbeat.tried
	var draining bool
	err := n.Store.Update(ctx, func(tx *store.Tx) error {
		old, err := n.mine(tx)
		if err != nil {
			return err
		}
		r := n.record(n.Journal.Incarnation(), next)
		draining = old.Draining
		r.Draining, r.Removal = old.Draining, old.Removal
		return records.Nodes.Put(tx, n.id, r)
	})
	if err == nil {
		n.acknowledged(next)
		n.judgeSelf(draining)
	}
	if l := int(n.level.Load()); err == nil && l > 0 && l < n.Level { // after Join
		err = n.raiseLevel(ctx)
	}
	return err
}

// acknowledged notes a heartbeat that the store has acknowledged.
func (n *Nodes) acknowledged(beat int64) {
	n.heartbeat.known = beat
	if n.Memory == nil {
		return
	}
	if err := n.Memory.Keep(beat); err != nil {
		n.Log.Warn("the number of a heartbeat was not written to the data folder; if the store is restored from a "+
			"copy of this time, the next start may not notice it", "error", err)
	}
}

// mine reads the record of this node, and stops the node if it is not as this process has written it.
func (n *Nodes) mine(tx *store.Tx) (records.Node, error) {
	r, ok, err := records.Nodes.Get(tx, n.id)
	if err == nil {
		err = n.Journal.HoldFence(tx)
	}
	switch {
	case err != nil:
		return r, err
	case !ok || r.Incarnation != n.Journal.Incarnation() || r.Beat < n.heartbeat.known:
		return r, n.Journal.Stop(ErrRewound)
	case r.Beat > n.heartbeat.tried:
		return r, n.Journal.Stop(ErrTwin)
	}
	return r, nil
}

// leave notes that the process stops in order.
func (n *Nodes) leave(ctx context.Context) error {
	n.heartbeat.tried++
	next := n.heartbeat.tried
	err := n.Store.Update(ctx, func(tx *store.Tx) error {
		if _, err := n.mine(tx); err != nil {
			return err
		}
		r := n.record(n.Journal.Incarnation(), next)
		r.Stopped = true
		if _, _, err := records.Confirmations.Get(tx, n.id); err != nil {
			return err
		}
		return errors.Join(records.Nodes.Put(tx, n.id, r), records.Confirmations.Delete(tx, n.id))
	})
	if err == nil {
		n.acknowledged(next)
	}
	return err
}
