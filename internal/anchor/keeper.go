package anchor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/keyhold/keyhold/internal/cosign"
	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/transparency"
)

// The times of a Keeper.
const (
	attemptTime = 10 * time.Second // for one attempt
	lookEvery   = 3 * time.Second  // for a new checkpoint, after a failed attempt, and at the file of an anchor
	askEvery    = time.Minute      // a witness, if there is no new checkpoint
	patience    = time.Minute      // of failures before operations are refused
)

// maxState limits the size of the state of a Keeper, in bytes.
const maxState = 64 << 10

// A Source is the log of a node.
type Source interface {
	// Checkpoint returns the newest signed checkpoint. The error is fs.ErrNotExist if there is none.
	Checkpoint() ([]byte, error)
	tlog.HashReader
}

// A prober is an Anchor that can try whether there is space for the next checkpoint.
type prober interface{ Probe() error }

// A Config configures a Keeper.
type Config struct {
	Anchor   Anchor
	Log      Source
	Unsigned func() error  // why Log does not sign its newest lines, or nil
	Verifier note.Verifier // of the log
	State    string        // file of the newest confirmed checkpoint, in the data folder
	Require  bool          // refuse operations while the anchor fails
	Logger   *slog.Logger
	Now      func() time.Time // a monotonic clock
}

// A Keeper gives the checkpoints of a log to an anchor, one after the other.
type Keeper struct {
	Config
	confirmed transparency.Checkpoint // the newest
	stated    int64                   // size of the checkpoint in the file State, or -1
	failing   time.Time               // when the first of a row of attempts failed
	refused   atomic.Pointer[error]   // why operations are refused
	failed    atomic.Pointer[error]   // of the last attempt; nil before it
	lag       atomic.Int64            // lines of the newest checkpoint that are not confirmed
	late      <-chan error            // of an attempt that has not ended, or nil; the attempt has confirmed and stated
}

// Start compares the log with the anchor. It returns an error only if the anchor, or the state of the Keeper, refutes
// the log. If the anchor fails in another way, the Keeper refuses operations or goes on, and Run tries again.
func Start(ctx context.Context, c Config) (*Keeper, error) {
	k := &Keeper{Config: c}
	if err := k.readState(); err != nil {
		return nil, err
	}
	err := k.attempt(ctx)
	if Refuted(err) {
		return nil, err
	}
	k.note(err)
	if err != nil && k.Require {
		k.refuse(err) // nothing was confirmed since the start
	}
	return k, nil
}

// Healthy returns why operations that need an event must not start, or nil. The error is a space.ErrFull if only the
// volume of the data folder lacks space. Healthy takes no lock.
func (k *Keeper) Healthy() error {
	if refused := k.refused.Load(); refused != nil {
		return *refused
	}
	return nil
}

// Failing returns why the anchor did not keep the newest checkpoint, or nil.
func (k *Keeper) Failing() error {
	if last := k.failed.Load(); last != nil {
		return *last
	}
	return nil
}

// Check returns why the anchor did not keep the newest checkpoint, or why it has no space for the next one. Check may
// write to the volume of the anchor, and waits for it, so Check is for readiness and not for the server itself: an idle
// server writes nothing.
func (k *Keeper) Check(context.Context) error {
	if err := k.Failing(); err != nil {
		return err
	}
	if p, ok := k.Anchor.(prober); ok {
		return p.Probe()
	}
	return nil
}

// Lag returns the number of lines in the newest checkpoint that the anchor has not confirmed.
func (k *Keeper) Lag() int64 { return k.lag.Load() }

// Run keeps checkpoints until ctx ends: each new one, and the same one again each minute, which shows that the anchor
// still has it.
func (k *Keeper) Run(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	tried, asked := int64(-1), k.Now()
	if k.late == nil {
		tried = k.confirmed.Size
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		c, err := k.newest()
		if err == nil && k.failing.IsZero() && c.Size == tried && k.Now().Sub(asked) < k.pause() {
			continue
		}
		tried, asked = c.Size, k.Now()
		if err := k.attempt(ctx); ctx.Err() == nil {
			k.note(err)
		}
	}
}

// Last keeps the newest checkpoint once more, for the end of a server.
func (k *Keeper) Last(ctx context.Context) error { return k.attempt(ctx) }

// pause returns the least time between two attempts without a new checkpoint. To look at a file costs little.
func (k *Keeper) pause() time.Duration {
	if _, ok := k.Anchor.(File); ok {
		return 0
	}
	return askEvery
}

// newest returns the newest checkpoint of the log. A new log has a checkpoint of no lines.
func (k *Keeper) newest() (Checkpoint, error) {
	signed, err := k.Log.Checkpoint()
	if errors.Is(err, fs.ErrNotExist) {
		return Checkpoint{Checkpoint: cosign.Empty(k.Verifier.Name())}, nil
	}
	if err != nil {
		return Checkpoint{}, err
	}
	return Open(signed, k.Verifier, k.Log)
}

// errSilent means that an anchor did not answer within the time of an attempt.
var errSilent = fmt.Errorf("it does not answer within %v: check the volume or the server of the anchor", attemptTime)

// attempt gives the newest checkpoint to the anchor. A file on a volume that hangs does not end with its context, so an
// attempt that is late goes on, and no other one begins before its end.
func (k *Keeper) attempt(ctx context.Context) error {
	if k.late == nil {
		result := make(chan error, 1)
		k.late = result
		go func() {
			within, cancel := context.WithTimeout(ctx, attemptTime)
			defer cancel()
			result <- k.once(within)
		}()
	}
	limit := time.NewTimer(attemptTime + time.Second) // later than the end of a request to a witness
	defer limit.Stop()
	select {
	case err := <-k.late:
		k.late = nil
		return err
	case <-limit.C:
		return errSilent
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once makes one attempt.
func (k *Keeper) once(ctx context.Context) error {
	c, err := k.newest()
	if err != nil {
		return err
	}
	k.lag.Store(max(0, c.Size-k.confirmed.Size))
	if err := c.continues(k.confirmed); err != nil || c.Signed == nil {
		return err
	}
	receipt, err := k.Anchor.Keep(ctx, c, k.confirmed.Size)
	if err != nil {
		return err
	}
	k.confirmed = c.Checkpoint
	k.lag.Store(0)
	return cmp.Or(k.writeState(receipt), k.unsigned())
}

// unsigned returns why the log does not sign its newest lines, or nil. The error is a space.ErrFull if the volume of
// the data folder lacks space: the anchor works, so operations that take rights away must go on.
func (k *Keeper) unsigned() error {
	err := k.Unsigned()
	if space.Lacks(err) {
		return space.Full(err)
	}
	return err
}

// note records the result of an attempt. It logs the first failure of a row, and the success after the row.
func (k *Keeper) note(err error) {
	now := k.Now()
	k.failed.Store(&err)
	if err == nil {
		if !k.failing.IsZero() {
			k.Logger.Info("the anchor of the audit log keeps checkpoints again", "anchor", k.Anchor.String())
		}
		k.failing = time.Time{}
		k.refused.Store(nil)
		return
	}
	if k.failing.IsZero() {
		k.failing = now
		k.Logger.Error("the anchor does not keep the checkpoint of the audit log, so newer lines can be changed unnoticed",
			"anchor", k.Anchor.String(), "cause", err)
	}
	if k.Require && (now.Sub(k.failing) >= patience || Refuted(err)) {
		k.refuse(err)
	}
}

// refuse lets Healthy return an error.
func (k *Keeper) refuse(err error) {
	if k.Healthy() == nil {
		k.Logger.Error("requests are refused until the anchor keeps checkpoints of the audit log",
			"anchor", k.Anchor.String(), "cause", err)
	}
	err = fmt.Errorf("the audit log is not anchored: %w", err)
	k.refused.Store(&err)
}

// readState reads the newest checkpoint that this anchor confirmed. The state is in the data folder, so it proves
// nothing about an old copy of the folder, but it shows that a new log replaced the log, or that an anchor was emptied.
// The state of another log, or of another anchor, is of no use.
func (k *Keeper) readState() error {
	k.confirmed, k.stated = cosign.Empty(k.Verifier.Name()), -1
	text, err := os.ReadFile(k.State)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	name, receipt, ok := strings.Cut(string(text), "\n")
	c, err := transparency.ParseCheckpoint(receipt)
	if !ok || err != nil || len(text) > maxState {
		return fmt.Errorf("%s does not have the confirmation of an anchor: remove the file", k.State)
	}
	if name != k.Anchor.String() || c.Origin != k.Verifier.Name() {
		return nil
	}
	confirmed, err := Open([]byte(receipt), k.Verifier, k.Log)
	if err != nil {
		return fmt.Errorf("%s: %w: remove the file", k.State, err)
	}
	k.confirmed, k.stated = confirmed.Checkpoint, confirmed.Size
	return nil
}

// writeState writes the confirmed checkpoint, unless the state has it. The error is a space.ErrFull if the volume of
// the data folder lacks space.
func (k *Keeper) writeState(receipt []byte) error {
	if k.stated == k.confirmed.Size {
		return nil
	}
	err := durable.ReplaceFile(k.State, append([]byte(k.Anchor.String()+"\n"), receipt...))
	switch {
	case space.Lacks(err):
		return space.Full(err)
	case err == nil:
		k.stated = k.confirmed.Size
	}
	return err
}
