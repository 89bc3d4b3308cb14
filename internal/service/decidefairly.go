package service

import (
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// decideFairly makes a cheap decision at once, and an expensive one when it is the turn of
// the caller. So expensive policies of one principal do not slow others down. If the error
// is not nil, there is no decision.
func (c *call) decideFairly(r policy.Request, d policy.Documents, grants []key.Grant) (decision policy.Decision, err error) {
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

// longDocument is the length, in bytes, from which on reading a document takes longer than
// an ordinary request.
const longDocument = 2 << 10

// readFairly returns the key policy of a text. A long text that is not kept compiled is
// read when it is the turn of the caller. The error of a malformed policy is a
// *policy.SyntaxError.
func (c *call) readFairly(text string) (p *policy.Policy, err error) {
	if p := c.compiled.kept(policyText{text, policy.KeyPolicy}); p != nil {
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
