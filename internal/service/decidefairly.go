package service

import (
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// decideFairly decides at once what takes little, and otherwise when it is the turn of the
// caller: so that whoever asks about policies that take long slows nobody else down. An
// error means that the decision is worth nothing.
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

// longDocument is how long a document is whose reading takes longer than other requests
// do, in bytes.
const longDocument = 2 << 10

// readFairly returns the key policy of a text. What has to be read first, and takes long,
// waits for the turn of the caller. The error of a text that is no policy is a
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
	err = c.compute(policies, func() error {
		out = policy.LocksOut(p, r)
		return nil
	})
	return out, err
}
