package service

import (
	"errors"
	"slices"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// Between a decision and its effect, an administrator may revoke a permission. So each call
// decides again: a change in its transaction, and any other call before it returns its result,
// if the store was changed meanwhile.

// errOtherKey says that the request names another key than before, because an alias was moved.
var errOtherKey = errors.New("the request names another key than before")

// hold makes a decision besides the asks. The call repeats it whenever it decides again.
func (c *call) hold(decide func() error) error {
	c.held = append(c.held, decide)
	return decide()
}

// decideAgain repeats all decisions of the call, beginning with whether the caller may sign
// requests. It reads through from; if from is nil, it reads each record as it is now.
func (c *call) decideAgain(from store.Getter) error {
	c.from = from
	defer func() { c.from = nil }()
	if err := c.readAhead(from); err != nil {
		return err
	}
	if err := c.checkSigner(); err != nil {
		return err
	}
	before := c.keys
	c.keys, c.findings = nil, findings{}
	if err := c.decide(); err != nil {
		return err
	}
	for _, decide := range c.held {
		if err := decide(); err != nil {
			return err
		}
	}
	if !slices.EqualFunc(before, c.keys, sameKey) {
		return errOtherKey
	}
	return nil
}

// readAhead reads the records of the caller and of the keys, which the call will read one after the other, in one
// round trip.
func (c *call) readAhead(from store.Getter) error {
	if from == nil {
		return nil
	}
	var refs []store.Ref
	p := c.Caller.Principal
	if p.Session == nil && p.Stored {
		refs = append(refs, records.AccessKeys.Ref(p.AccessKeyID))
	}
	switch p.Kind {
	case identity.KindUser:
		refs = append(refs, records.Users.Ref(records.NamedPath(p.AccountID, p.UserName)), records.Accounts.Ref(p.AccountID))
	case identity.KindAssumedRole:
		role := records.NamedPath(p.AccountID, p.Session.Role)
		refs = append(refs, records.Roles.Ref(role), records.Accounts.Ref(p.AccountID))
	}
	for _, k := range c.keys {
		refs = append(refs, records.WholeKeys.Refs(records.PathOf(k))...)
	}
	return store.Fetch(from, refs...)
}

func sameKey(a, b key.Key) bool { return referenceTo(a) == referenceTo(b) }

// maxConfirmations is how often confirm reads from memory before it takes a View.
const maxConfirmations = 2

// confirm decides again until all records that the last decision read were valid at one moment
// after the operation. If the store was not changed since the signature was verified, confirm
// does nothing.
func (c *call) confirm() error {
	if c.store.Shared() {
		return c.confirmShared()
	}
	for range maxConfirmations {
		now := c.store.Revision()
		if now == c.decidedAt {
			return nil
		}
		c.decidedAt = now
		if err := c.decideAgain(nil); err != nil {
			return err
		}
	}
	if c.store.Revision() == c.decidedAt {
		return nil
	}
	return c.store.View(c.ctx, func(v *store.View) error { return c.decideAgain(v) })
}

// checkSigner rejects a caller who could no longer sign the request, and updates the tags of
// the caller. An access key without a record, such as the access key of a dev server, cannot
// change.
func (c *call) checkSigner() error {
	var now identity.Principal
	var ok bool
	var ended bool
	var err error
	switch p := c.Caller.Principal; {
	case p.Kind == identity.KindWebIdentity:
		return nil
	case p.Session != nil:
		now, ended, ok, err = bearer(c.source(), p.Session)
		ok = ok && !ended
	case p.Stored:
		var k identity.AccessKey
		k, ok, err = accessKey(c.source(), p.AccessKeyID)
		now = k.Principal
		ok = ok && now.ID == p.ID
	default:
		return nil
	}
	if err != nil || !ok {
		return firstOf(err, errGone)
	}
	now.AccessKeyID = c.Caller.Principal.AccessKeyID
	c.Caller.Principal = now
	return nil
}

// decideFairly makes a cheap decision at once, and an expensive decision when it is the
// caller's turn, so that expensive policies of one principal do not slow down others. If it
// returns an error, there is no decision.
func (c *call) decideFairly(
	r policy.Request, d policy.Documents, grants []key.Grant,
) (decision policy.Decision, err error) {
	decision, ok := policy.DecideQuickly(r, d, grants)
	if ok {
		return decision, nil
	}
	err = c.compute(policies, func() error {
		decision = policy.Decide(r, d, grants)
		return nil
	})
	if err != nil {
		decision = policy.Decision{}
	}
	return decision, err
}

// longDocument is the length, in bytes, above which parsing a document takes longer than an
// ordinary request.
const longDocument = 2 << 10

// readFairly returns the compiled key policy of a text. It parses a long text that is not in
// the cache when it is the caller's turn. The error of a malformed policy is a
// *policy.SyntaxError.
func (c *call) readFairly(text string) (p *policy.Policy, err error) {
	if p := c.compiled.find(policyText{text, policy.KeyPolicy}); p != nil {
		return p, nil
	}
	if len(text) < longDocument {
		return c.compiled.get(text, policy.KeyPolicy)
	}
	err = c.compute(policies, func() (err error) {
		p, err = c.compiled.get(text, policy.KeyPolicy)
		return err
	})
	return p, err
}

// locksOut reports whether a key policy locks its author out.
func (c *call) locksOut(p *policy.Policy, r policy.Request) (out bool, err error) {
	if out, ok := policy.LocksOutQuickly(p, r); ok {
		return out, nil
	}
	err = c.compute(policies, func() error {
		out = policy.LocksOut(p, r)
		return nil
	})
	return out, err
}
