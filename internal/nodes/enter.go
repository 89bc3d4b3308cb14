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
	// ErrStranger means that a node has an audit log, but no record in the store.
	ErrStranger = errors.New("the store does not know this node, which has an audit log: its folder belongs to another " +
		"deployment, an operator removed the node, or an older copy of the store was restored. Give the URL of the " +
		"store of this node, or a new folder")

	// ErrRunning means that another process writes the heartbeats of this node.
	ErrRunning = errors.New("another process already runs as this node, so the data folder of one of the two is a " +
		"copy of the other's. Start this process with a new, empty data folder, or stop the other process first")
)

// Enter makes this process the only one that commits for its node, and begins its heartbeats, so that no
// other node takes over a process that starts. It returns ErrRunning if another process is this node, and ErrRewound if
// the store has lost a heartbeat of a former process.
func (n *Nodes) Enter(ctx context.Context) error {
	if !records.ValidNodeID(n.id) {
		return fmt.Errorf("%q is not the ID of a node: an ID has 1 to 64 letters, digits and hyphens", n.id)
	}
	if err := n.awaitSilence(ctx); err != nil {
		return err
	}
	var beat int64
	var unclean bool
	err := n.Journal.Start(ctx, n.id, func(tx *store.Tx, incarnation string) error {
		old, known, err := records.Nodes.Get(tx, n.id)
		if err == nil && !known && n.LastEvent().Bytes > 0 {
			err = ErrStranger
		}
		if err == nil && n.Memory != nil && old.Beat < n.Memory.Beat() {
			err = ErrRewound
		}
		if err == nil {
			_, unclean, err = records.Confirmations.Get(tx, n.id)
		}
		if err != nil {
			return err
		}
		r := n.record(incarnation, old.Beat+1)
		beat = r.Beat
		return records.Nodes.Put(tx, n.id, r)
	})
	if err != nil {
		return fmt.Errorf("enter the nodes of the deployment: %w", err)
	}
	if unclean {
		// The former process may be alive. It answers from its memory at most until the bound has passed,
		// so nobody may take this process's confirmation for its.
		n.confirmer.from = time.Now().Add(n.Timing.Bound)
	}
	n.listens.Store(true)
	n.heartbeat.tried = beat
	n.acknowledged(beat)
	n.gone.Go(n.beats)
	return nil
}

// awaitSilence returns when the former process of this node is silent, or has stopped in order. It returns
// ErrRunning after the second heartbeat: a process that was killed can leave one that is made late.
//
// Without it, two processes that are started again whenever they end would fence each other for ever.
func (n *Nodes) awaitSilence(ctx context.Context) error {
	last, since, heard := records.Node{}, time.Now(), -1
	for {
		r, known, err := n.former(ctx)
		if err != nil || !known || r.Stopped {
			return err
		}
		if heard < 0 {
			n.Log.Info("the former process of this node was not stopped in order; the start waits until it is silent")
		}
		if heard < 0 || r.Incarnation != last.Incarnation || r.Beat != last.Beat {
			last, since = r, time.Now()
			heard++
		}
		if heard == 2 {
			return ErrRunning
		}
		if time.Since(since) > n.Timing.Beat*3/2 {
			return nil
		}
		select {
		case <-time.After(n.Timing.Beat / 20):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// former returns the record of this node. It returns ErrNewerLevel, and reads no record, if the record may have members
// that this program does not know.
func (n *Nodes) former(ctx context.Context) (r records.Node, known bool, err error) {
	err = n.Store.View(ctx, func(v *store.View) error {
		if _, err = n.knownLevel(v); err != nil {
			return err
		}
		r, known, err = records.Nodes.Get(v, n.id)
		return err
	})
	return r, known, err
}
