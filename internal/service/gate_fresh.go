package service

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// If other nodes commit to the store too, the memory of this node can be older than an acknowledged
// change. So a decision from memory is valid as of a time, and each answer depends on that time: it
// leaves within a second of it. A node whose memory is not that fresh reads the store instead.

// engineTime is how long a decision waits for the store.
const engineTime = time.Second

// errTooOld refuses an answer. Clients repeat the request.
var errTooOld = errors.New("the decision became too old before the answer could leave: the store or this node is slow")

// A Confirmer knows what the memory of the nodes still has.
type Confirmer interface {
	// Await returns when every node, this one included, has dropped from memory all records that are older than the
	// records that were read, or no longer trusts memory from before since, a time after the read. It reports whether
	// it had to wait, and returns an error only if ctx ends before.
	Await(ctx context.Context, read store.Reads, since time.Time) (waited bool, err error)
}

// readsThrough reports whether an operation reads the store and not memory if other nodes commit to the
// store: because it shows stored values, or because it prepares a change from the values that it reads.
func readsThrough(o Operation) bool {
	return !o.usesKeys && (o.ReadOnly || o.Target == api.TargetAdmin || o.Name == createGrant.Name)
}

// onlyAdds lists the operations that take away no permission and no key material from anybody. If other
// nodes share the store, every other change is acknowledged only when no node uses its memory from before
// the change.
var onlyAdds = strings.Fields(`
CancelKeyDeletion CreateAlias CreateGrant CreateKey DisableKeyRotation EnableKey EnableKeyRotation RecreateKey
ReplicateKey UpdateKeyDescription`)

// view runs fn in a View.
func (c *call) view(fn func(*store.View) error) error { return c.source().view(fn) }

// decideInView decides in one View.
func (c *call) decideInView(decide func(v *store.View) error) error {
	asOf, told := time.Now(), c.store.Told()
	err := c.view(decide)
	if err == nil && c.store.Shared() {
		c.asOf, c.decidedAt = asOf, told
	}
	return err
}

// decideFirst makes the first decision of the call, which in a View includes the signer.
func (c *call) decideFirst() error {
	if !c.through {
		return c.decide()
	}
	return c.decideInView(func(v *store.View) error {
		c.from = v
		defer func() { c.from = nil }()
		return firstError(
			func() error { return c.readAhead(v) },
			c.checkSigner,
			c.decide)
	})
}

// firstError calls functions until one returns an error.
func firstError(all ...func() error) error {
	for _, fn := range all {
		if err := fn(); err != nil {
			return err
		}
	}
	return nil
}

// confirmShared is confirm if other nodes share the store: it decides again until the decision is valid as
// of a moment of the last second.
func (c *call) confirmShared() error {
	for range maxConfirmations {
		if c.stillHolds(time.Now()) {
			return nil
		}
		if c.through || !c.store.Fresh(time.Now()) {
			break
		}
		c.decidedAt = c.store.Told()
		if err := c.decideAgain(nil); err != nil {
			return err
		}
	}
	if c.stillHolds(time.Now()) {
		return nil
	}
	return c.decideInView(func(v *store.View) error { return c.decideAgain(v) })
}

// stillHolds reports whether nothing was told since the decision, which read all records as of one revision, and
// whether the decision is valid as of a moment of the last second.
func (c *call) stillHolds(now time.Time) bool {
	asOf := c.store.FreshAsOf() // before Told: everything up to that time is in the revision
	if c.store.Told() != c.decidedAt || !c.reads.IsOf(c.decidedAt) {
		return false
	}
	if c.store.Fresh(now) && asOf.After(c.asOf) {
		c.asOf = asOf
	}
	return store.Recent(c.asOf, now)
}

// lastLook refuses an answer whose decision has become too old meanwhile, for example because the process
// was stopped for a time.
func (c *call) lastLook() error {
	if !c.store.Shared() {
		return nil
	}
	now := time.Now()
	if store.Recent(c.asOf, now) || c.stillHolds(now) {
		return nil
	}
	return errTooOld
}

// isFromMemory reports whether a refusal may be due to memory that is older than the store.
func (c *call) isFromMemory(err error) bool {
	if !c.store.Shared() || c.through {
		return false
	}
	refused, ok := errors.AsType[*key.Error](err)
	return ok && refused.Kind != key.KindThrottling
}

// beginAgain makes the call read the store, from the beginning.
func (c *call) beginAgain() {
	c.keys, c.held, c.findings = c.keys[:0], nil, findings{}
	c.also, c.about, c.created, c.details = nil, nil, "", eventDetails{}
	c.through = true
}

// await waits until no node, this one included, answers from a memory that is older than the records that were read. It
// reports whether it had to wait.
func (s *Service) await(ctx context.Context, read *store.Reads) (waited bool, err error) {
	if s.confirmer == nil {
		return false, nil
	}
	return s.confirmer.Await(ctx, *read, time.Now())
}

// awaitChange waits before a change is acknowledged. A change that takes a right or key material away also waits until
// no node uses them. The wait has a bound, and goes on if the context of the request ends: the change is made.
func (c *call) awaitChange() error {
	if c.confirmer == nil {
		return nil
	}
	if !c.Operation.onlyAdds {
		c.reads.Note(c.committedAt)
	}
	_, err := c.confirmer.Await(context.WithoutCancel(c.ctx), *c.reads, c.committedSince)
	return err
}

// awaitRead waits before the answer of a call without a change leaves: a refusal with err, or a success. A success
// is decided again after a wait, because a permission may have been taken away meanwhile.
func (c *call) awaitRead(err error) error {
	waited, failed := c.await(c.ctx, c.reads)
	switch {
	case failed != nil:
		return failed
	case err != nil:
		return err
	case waited && c.confirm() != nil:
		return errTooOld
	}
	return c.lastLook()
}
