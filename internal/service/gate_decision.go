package service

import (
	"math/rand/v2"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// refusalTime is the shortest time that a refusal of permission takes, so that the time does
// not reveal how many policies and grants were examined.
const refusalTime = 2 * time.Millisecond

// maxExtraTime bounds the random time that a refusal takes besides refusalTime. The work before the pause changes the
// caches of the processor and the length of its rest, which moves the end of the pause by about a microsecond. The
// random time hides the microsecond: its standard deviation is 289 microseconds.
const maxExtraTime = time.Millisecond

// mayUse decides whether the caller may act on a key. If the key was not found, missing is the
// error for a caller who may know whether it exists.
func (c *call) mayUse(action string, t target, k key.Key, missing error) error {
	if missing == nil {
		q, err := c.question(action, t, k)
		if err != nil {
			return err
		}
		d, err := q.onKey(k)
		if err != nil || d.Allowed {
			return err
		}
	}
	return c.refuseBlind(action, t, missing)
}

// refuseBlind answers for a key that the caller may not act on, or that is missing. The
// answer must not show whether the key exists: so identity policies alone decide, by the name
// that the caller gave, and the refusal names their reason. The aliases of the caller's own
// account are not secret.
func (c *call) refuseBlind(action string, t target, missing error) error {
	q, err := c.question(action, t, key.Key{})
	if err != nil {
		return err
	}
	d := q.decide(q.documents, nil)
	known := d.Allowed || t.ref.Alias != "" && t.ref.Account == c.Caller.Principal.AccountID
	switch {
	case q.values.err != nil:
		return q.values.err
	case t.fromBlob:
		c.pause()
		return errBlobKey
	case missing != nil && known:
		return missing
	case d.Allowed: // the caller's policies allow, the key policy does not
		d = policy.Decision{Cause: policy.ResourceBased}
	}
	c.pause()
	if t.ref.Account != c.Caller.Principal.AccountID && d.Cause == policy.ResourceBased && !d.Explicit {
		return errNotAuthorizedAcrossAccounts(c.Caller.Principal, action)
	}
	return errNotAuthorized(c.Caller.Principal, action, t.ref.ARN(), d.Text(action))
}

// mayAct decides about an action on a resource without a policy of its own: an alias, a new
// key, or no resource.
func (c *call) mayAct(action, resource string) error {
	q, err := c.question(action, target{resource: resource}, key.Key{})
	if err != nil {
		return err
	}
	if d := q.decide(q.documents, nil); !d.Allowed && q.values.err == nil {
		c.pause()
		return errNotAuthorized(c.Caller.Principal, action, resource, d.Text(action))
	}
	return q.values.err
}

// A question is what the gate asks package policy, without the key policy.
type question struct {
	c         *call
	request   policy.Request
	documents policy.Documents
	values    *conditions
}

// question returns the question about an action on a target.
func (c *call) question(action string, t target, k key.Key) (q question, err error) {
	c.values = conditions{c: c, t: t, key: k}
	q.c, q.values = c, &c.values
	q.request = policy.Request{
		Principal:  policyPrincipal(c.Caller.Principal),
		Action:     action,
		Resource:   t.arn(k),
		Owner:      q.values.owner(),
		Time:       c.now,
		Values:     q.values,
		HasContext: t.hasContext(c),
	}
	if q.request.HasContext {
		q.request.EncryptionContext = t.context(c)
	}
	if in, ok := c.Input.(*api.CreateGrantRequest); ok {
		q.request.Child = new(grantOf(in))
	}
	if !c.hasDocuments {
		if c.documents, err = c.documentsOf(c.source(), c.Caller.Principal); err != nil {
			return q, err
		}
		c.hasDocuments = true
	}
	q.documents = c.documents
	return q, nil
}

// policyPrincipal converts a principal for package policy.
func policyPrincipal(p identity.Principal) policy.Principal {
	return policy.Principal{Kind: policy.Kind(p.Kind), Account: p.AccountID, ARN: p.ARN, RoleARN: p.RoleARN}
}

// decide returns the decision of package policy. In a call that is explained, it also records
// the explanation, by the same documents, values and grants.
func (q *question) decide(d policy.Documents, grants []key.Grant) policy.Decision {
	if q.c.trace != nil {
		return q.c.trace.explain(q.request, d, grants)
	}
	decision, err := q.c.decideFairly(q.request, d, grants)
	if err != nil {
		q.values.err = err
	}
	return decision
}

// onKey decides with the key policy. If the policies do not allow the request, it decides with
// the grants of the key.
func (q *question) onKey(k key.Key) (policy.Decision, error) {
	var err error
	if q.documents.Resource, err = q.c.keyPolicy(k, q.request.Resource); err != nil {
		return policy.Decision{}, err
	}
	d := q.decide(q.documents, nil)
	if d.Allowed || d.Explicit || q.values.err != nil {
		return d, q.values.err
	}
	// If policies allow the request, no grant is read.
	return q.byGrants(k)
}

// errNotAuthorizedAcrossAccounts refuses an action on a key of another account with the text of the
// service, which is the same whether the key exists or not.
func errNotAuthorizedAcrossAccounts(p identity.Principal, action string) error {
	return key.Errorf(key.KindAccessDenied, "User: %s is not authorized to perform: %s on this resource "+
		"because the resource does not exist in this Region, no resource-based policies allow access, "+
		"or a resource-based policy explicitly denies access", p.ARN, action)
}

// errNotAuthorized returns the refusal of an action, with the principal, the resource and the reason.
func errNotAuthorized(p identity.Principal, action, resource, reason string) error {
	return key.Errorf(key.KindAccessDenied,
		"User: %s is not authorized to perform: %s on resource: %s %s", p.ARN, action, resource, reason)
}

// maxPausing is the maximum number of refusals that wait at a time. Each holds a timer of the system.
const maxPausing = 32

// pause lets a refusal take refusalTime and a random extra time. Do waits after everything else is done: after the
// event too, which names the key if there is one.
func (c *call) pause() { c.paused = true }

// endPause waits for the rest of the time of a refusal, if the call was refused and has to take it.
func (c *call) endPause(err error) {
	if c.paused && err != nil {
		c.Turn.End()
		c.pauseUntil(c.begun.Add(refusalTime + rand.N(maxExtraTime)))
	}
}
