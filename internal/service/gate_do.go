package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A Request is one request, after its signature was verified and its body was read.
type Request struct {
	ID        string // the request ID of the answer
	Caller    identity.Caller
	SourceIP  string
	UserAgent string
	Secure    bool // the request came over TLS
	Operation Operation
	Input     any // the result of Operation.NewInput with the members of the request
	// Revision is the revision of the memory (Service.StoreRevision) before the signature was
	// verified; 0 stands for the revision when Do begins.
	Revision int64
	// Turn is the turn of a large request, from Service.Queue.
	Turn *Turn
}

// Do is the gate. It writes the event of the request before it returns the response, whether
// the request succeeded or not. A request that cannot be audited fails.
func (s *Service) Do(ctx context.Context, r Request) (any, error) {
	c := &call{Service: s, Request: r, ctx: ctx, now: s.clock.Now(), begun: time.Now()}
	c.keys = c.keysArray[:0]
	c.decidedAt = cmp.Or(r.Revision, s.store.Told())
	c.through = s.store.Shared() && (r.Operation.readsThrough || !s.store.Fresh(c.begun))
	if s.store.Shared() {
		c.reads = new(store.Reads)
	}
	out, err := c.do()
	c.endPause(err)
	return out, err
}

// do does what Do does, except for the time that a refusal takes.
func (c *call) do() (any, error) {
	if err := c.checkAdmission(); err != nil {
		return nil, err
	}
	if c.Turn.wasRefused() || !c.Operation.Unsigned && !c.rates.admit(&c.Caller.Principal, c.Operation.class, c.begun) {
		return nil, c.throttle()
	}
	c.noteAccessKey()
	out, err := c.carryOut()
	if c.isFromMemory(err) {
		c.beginAgain()
		out, err = c.carryOut()
	}
	for again := 0; again < 3 && (errors.Is(err, store.ErrNoSlot) || errors.Is(err, errOtherKey)); again++ {
		// The material was deleted or imported again, or the alias was moved to another key,
		// between the look-up and its use: read the present state from the store.
		c.keys, c.held = c.keys[:0], nil
		c.through = c.store.Shared()
		out, err = c.carryOut()
	}
	if c.committed { // with its event
		if err == nil {
			err = c.awaitChange()
		}
		return out, afterChange(err)
	}
	if errors.Is(err, errOtherKey) {
		err = errTooManyChanges(err)
	}
	if c.isUnrecorded(err) {
		c.Turn.End()
		return nil, withoutCause(c.awaitRead(err))
	}
	e := c.event(err)
	c.Turn.End()
	if auditErr := c.audit.Write(c.ctx, e); auditErr != nil {
		return nil, notAudited(auditErr, err)
	}
	if err == nil && c.Operation.usesKeys {
		c.noteUsage(e.EventID)
	}
	if err = c.awaitRead(err); err != nil {
		return nil, err
	}
	return out, nil
}

// afterChange returns the error of a request whose change was made.
func afterChange(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrMade, err)
}

// notAudited returns the error of a request whose event was not written. cause is the error of the request itself, or
// nil. A refusal that is in no log must not be answered, so only the text of a refusal is part of the error.
func notAudited(failed, cause error) error {
	refused, isRefusal := errors.AsType[*key.Error](cause)
	switch {
	case cause == nil:
		return fmt.Errorf("audit: %w", failed)
	case isRefusal && refused.Cause != nil:
		return fmt.Errorf("audit: %w; the request was refused: %v: %v", failed, refused, refused.Cause)
	case isRefusal:
		return fmt.Errorf("audit: %w; the request was refused: %v", failed, refused)
	}
	return fmt.Errorf("audit: %w; the request failed: %w", failed, cause)
}

// carryOut checks in the order that the API documents: members, key and permission, state, and
// then the rules of the operation. A change was decided again in its transaction. Every other
// decision is confirmed before the response is returned.
func (c *call) carryOut() (any, error) {
	if text := c.Operation.shape.Validate(c.Input); text != "" {
		return nil, &key.Error{Kind: key.KindValidation, Message: text}
	}
	if err := c.Operation.check(c.Input, c.now); err != nil {
		return nil, err
	}
	if err := c.decideFirst(); err != nil {
		return nil, err
	}
	c.Turn.End() // the rest of the request may wait
	out, err := c.Operation.run(c, c.Input)
	if err == nil && !c.committed {
		err = c.confirm()
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// decide decides whether the caller may do everything that the request asks for, and whether
// the states of the keys permit the operation.
func (c *call) decide() error {
	if err := c.readGrantTokens(); err != nil {
		return err
	}
	exempt, err := c.allowAll(c.Operation.asks)
	if err != nil {
		return err
	}
	return c.permitAll(exempt)
}

// allowAll decides about all asks, in order. exempt lists the indexes of the keys whose state
// does not matter.
func (c *call) allowAll(all asks) (exempt []int, err error) {
	for _, a := range all {
		t, k, err := c.allow(a)
		c.trace.endAsk(a.Action, t, k, err)
		if err != nil {
			c.findings.refuse(k)
			return nil, err
		}
		if t.isKey() && t.anyState {
			exempt = append(exempt, len(c.keys))
		}
		if t.isKey() {
			c.keys = append(c.keys, k)
		}
	}
	return exempt, nil
}

// permitAll checks the states of the keys against the grid of states.
func (c *call) permitAll(exempt []int) error {
	for i, k := range c.keys {
		if slices.Contains(exempt, i) {
			continue
		}
		if err := c.rules.Permit(c.Operation.Name, k); err != nil {
			return err
		}
	}
	return nil
}

// allow finds the target of the ask, and its key if the target is a key, and decides with the
// policy of that key. The name by which the caller named the key is the value of a condition
// key.
func (c *call) allow(a ask) (t target, k key.Key, err error) {
	switch {
	case a.On == nil && a.May != nil:
		return t, k, a.May(c, a.Action, t, k, nil)
	case a.On == nil:
		return t, k, c.mayAct(a.Action, "*")
	}
	if t, err = a.On(c, c.Input); err != nil || t == (target{}) {
		return t, k, err
	}
	if !t.isKey() && a.May != nil {
		return t, k, a.May(c, a.Action, t, k, nil)
	}
	if !t.isKey() {
		return t, k, c.mayAct(a.Action, t.resource)
	}
	k, missing, err := c.lookUp(t)
	if err != nil {
		return t, k, err
	}
	if missing == nil && k.Account != c.Caller.Principal.AccountID && !c.Operation.acrossAccounts {
		return t, k, c.refuseBlind(a.Action, t, nil)
	}
	may := a.May
	if may == nil {
		may = (*call).mayUse
	}
	return t, k, may(c, a.Action, t, k, missing)
}

// errBlobKey is the answer for a ciphertext whose key is missing, foreign or forbidden.
var errBlobKey = key.Errorf(key.KindAccessDenied,
	"The ciphertext refers to a customer master key that does not exist, "+
		"does not exist in this region, or you are not allowed to access.")

// lookUp returns the key of a target. missing is the error for a key that does not exist.
func (c *call) lookUp(t target) (k key.Key, missing, err error) {
	if k, live := c.latest(t.ref); live {
		return k, nil, nil
	}
	return c.viewKey(t)
}

// viewKey reads the key of a target from the store.
func (c *call) viewKey(t target) (k key.Key, missing, err error) {
	if c.from != nil {
		k, err = c.readKey(c.from, t.ref)
	} else {
		err = c.view(func(v *store.View) error {
			k, err = c.readKey(v, t.ref)
			return err
		})
	}
	if e, ok := err.(*key.Error); ok && e.Kind == key.KindNotFound {
		return key.Key{}, e, nil
	}
	return k, nil, err
}

// latest returns the key as it is now, if memory has it. Otherwise live is false, and the
// caller reads the key, and the reason for an error, in one View.
func (c *call) latest(ref key.Reference) (k key.Key, live bool) {
	id := ref.KeyID
	if ref.Alias != "" {
		a, ok, err := read(c.source(), records.Aliases, records.AliasPath(ref.Account, ref.Region, ref.Alias))
		if err != nil || !ok {
			return k, false
		}
		id = a.KeyID
	}
	k, ok, err := readWhole(c.source(), records.KeyPath(ref.Account, ref.Region, id))
	k = k.At(c.now)
	return k, ok && err == nil && k.State != key.Gone
}

// readKey returns the key as it is now.
func (c *call) readKey(from store.Getter, ref key.Reference) (key.Key, error) {
	if ref.Alias != "" {
		_, k, err := c.readAlias(from, ref)
		return k, err
	}
	k, ok, err := c.liveKey(from, records.KeyPath(ref.Account, ref.Region, ref.KeyID))
	if err != nil || !ok {
		return key.Key{}, firstOf(err, key.Errorf(key.KindNotFound, "Key '%s' does not exist", ref.ARN()))
	}
	return k, nil
}

// liveKey returns the key at a path as it is now. ok is false if the key does not exist or has
// been removed.
func (c *call) liveKey(from store.Getter, path string) (k key.Key, ok bool, err error) {
	k, ok, err = records.WholeKeys.Get(from, path)
	k = k.At(c.now)
	return k, ok && k.State != key.Gone, err
}

// firstOf returns err, or refusal if err is nil.
func firstOf(err error, refusal *key.Error) error {
	if err != nil {
		return err
	}
	return refusal
}
