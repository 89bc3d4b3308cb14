package nodes

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A Config configures the part that this node takes in a deployment. The fields up to Record must be
// set.
type Config struct {
	Store   *store.Store // shared
	Journal *journal.Journal
	Log     *slog.Logger
	ID      string // of this node
	Address string // for operators
	Version string // of the program, for operators
	// LastEvent returns the end of the audit log.
	LastEvent func() audit.Mark
	// Memory outlives the process. If nil, the node does not notice that the store lost heartbeats of former processes.
	Memory Memory
	// Record makes a change together with its event.
	Record func(ctx context.Context, e Event, change func(*store.Tx) error) error
	Seal   func() records.SealMembers // what this node has of the keyring; nil if unknown
	Level  int                        // the newest level of records that this process knows; records.NewestLevel if zero
	Timing Timing                     // DefaultTiming if zero
	Wall   func() time.Time           // time.Now if nil
}

// A Memory has the number of the newest heartbeat of this node that the store has acknowledged. An older copy of the
// store lacks this heartbeat, whatever its revision is.
type Memory interface {
	Beat() int64
	Keep(beat int64) error
}

// An Event is a change that a node makes to another node.
type Event struct {
	Name string // "TakeOverNode" or "RemoveNode"
	Node string
	// LoseLog says that the audit log of a node that is removed was given up.
	LoseLog bool
}

// Nodes is the part that this process takes in the deployment. Its methods may be called concurrently.
type Nodes struct {
	Config
	id      string
	started bool                     // Join has written the confirmation of this node
	listens atomic.Bool              // Enter has started the journal
	live    atomic.Pointer[[]string] // this node and the others that are alive
	clock   atomic.Pointer[error]    // why the wall clock is not trusted, or a pointer to nil
	ready   atomic.Pointer[error]    // why this node should get no requests, or a pointer to nil
	level   atomic.Int64

	heartbeat heartbeat
	confirmer confirmer
	view      view
	takeovers chan task

	life context.Context
	end  context.CancelFunc
	gone sync.WaitGroup
}

// New returns the Nodes of a process. It must be called before the Store follows its Backend. The caller
// calls Enter, then Recover of the Journal, and then Join.
func New(c Config) *Nodes {
	if c.Timing == (Timing{}) {
		c.Timing = DefaultTiming
	}
	if c.Level == 0 {
		c.Level = records.NewestLevel
	}
	if c.Wall == nil {
		c.Wall = time.Now
	}
	n := &Nodes{Config: c, id: c.ID, takeovers: make(chan task)}
	n.live.Store(&[]string{c.ID})
	n.clock.Store(new(error))
	n.ready.Store(new(error))
	n.confirmer.due = make(chan struct{}, 1)
	n.view.init(c.Timing)
	n.life, n.end = context.WithCancel(context.Background())
	c.Store.OnChange(n.changed)
	return n
}

// Close ends the part of this process, which answers no requests any more. The others then wait no longer
// for its confirmations. The audit log must be closed already.
func (n *Nodes) Close() error {
	n.end()
	n.gone.Wait()
	if !n.started || n.Journal.Fenced() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), n.Timing.Beat)
	defer cancel()
	err := n.leave(ctx)
	if errors.Is(err, journal.ErrFenced) {
		return nil
	}
	return err
}

// errDraining is the reason of a node that an operator drains.
var errDraining = errors.New("an operator drains this node")

// Ready returns why this node should get no requests, or nil.
func (n *Nodes) Ready() error {
	if n == nil {
		return nil
	}
	if err := n.Journal.Fenced(); err != nil {
		return err
	}
	return *n.ready.Load()
}

// Clock returns why the wall clock of this node is not trusted, or nil. Meanwhile the node must not
// destroy anything because its time has come.
func (n *Nodes) Clock() error {
	if n == nil {
		return nil
	}
	return *n.clock.Load()
}

// Alive returns the number of nodes that are alive, with this one.
func (n *Nodes) Alive() int {
	if n == nil {
		return 1
	}
	return len(*n.live.Load())
}

// CommonLevel returns the level whose members of records all nodes know.
func (n *Nodes) CommonLevel() int { return int(n.level.Load()) }
