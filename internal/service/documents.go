package service

import (
	"context"
	"fmt"
	"sync"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// maxCompiled bounds the policies that are kept compiled, in bytes of their text.
const maxCompiled = 4 << 20

// compiled keeps policies ready, by their text: so what is kept never goes stale,
// and all keys with the default policy of an account share one.
type compiled struct {
	mu       sync.RWMutex
	policies map[policyText]*policy.Policy
	bytes    int
}

type policyText struct {
	text string
	as   policy.Type
}

// get returns the policy of a text.
func (c *compiled) get(text string, as policy.Type) (*policy.Policy, error) {
	c.mu.RLock()
	p := c.policies[policyText{text, as}]
	c.mu.RUnlock()
	if p != nil {
		return p, nil
	}
	p, err := policy.Parse(text, as)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.policies == nil || c.bytes+len(text) > maxCompiled {
		// Starting over costs each policy in use one compilation.
		c.policies, c.bytes = map[policyText]*policy.Policy{}, 0
	}
	c.policies[policyText{text, as}] = p
	c.bytes += len(text)
	return p, nil
}

// nothing is in the place of a policy that was stored and is none: it denies all.
const nothing = `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}`

// keyPolicy returns the policy of a key. One that cannot be read, as older programs
// stored them, allows nothing, and the operator's log says so.
func (s *Service) keyPolicy(k key.Key) (policy.Document, error) {
	p, err := s.policies.get(k.Policy, policy.KeyPolicy)
	if err != nil {
		s.log.Error("a key policy is malformed and denies everything", "key", k.ARN(), "error", err)
		p, err = s.policies.get(nothing, policy.KeyPolicy)
	}
	return policy.Document{Name: "the key policy of " + k.ARN(), Policy: p}, err
}

// documentsOf returns the policies of a principal.
func (s *Service) documentsOf(ctx context.Context, p identity.Principal) (d policy.Documents, err error) {
	e, name, err := s.entityOf(ctx, p)
	if err != nil {
		return d, err
	}
	for _, in := range e.Inline {
		d.Identity = append(d.Identity, policy.Document{Name: "the inline policy " + in.Name + " of " + name})
		if err := s.compile(&d.Identity[len(d.Identity)-1], in.Document); err != nil {
			return d, err
		}
	}
	if d.Identity, err = s.managed(ctx, d.Identity, e.Attached); err != nil {
		return d, err
	}
	if e.Boundary != "" {
		d.Boundary, err = s.managedPolicy(ctx, e.Boundary)
	}
	if err == nil && p.Session != nil && p.Session.IsLimited() {
		d.Session, err = s.sessionPolicies(ctx, p.Session)
	}
	return d, err
}

// entityOf returns the user or role whose policies a principal has; that of the
// root of an account has none.
func (s *Service) entityOf(ctx context.Context, p identity.Principal) (e identity.Entity, name string, err error) {
	switch p.Kind {
	case identity.KindUser:
		u, ok, err := users.Latest(ctx, s.store, namedPath(p.AccountID, p.UserName))
		if err == nil && (!ok || u.ID != p.ID) {
			err = errGone
		}
		return u.Entity, p.ARN, err
	case identity.KindAssumedRole:
		r, ok, err := roles.Latest(ctx, s.store, namedPath(p.AccountID, p.Session.Role))
		if err == nil && (!ok || r.ID != p.Session.RoleID) {
			err = errGone
		}
		return r.Entity, p.RoleARN, err
	}
	return e, "", nil
}

// errGone is for somebody who was removed while a request was under way.
var errGone = key.Errorf(key.KindUnrecognizedClient, "The security token included in the request is invalid.")

func (s *Service) sessionPolicies(ctx context.Context, session *identity.Session) (all []policy.Document, err error) {
	for _, text := range session.Policies {
		all = append(all, policy.Document{Name: "the session policy"})
		if err := s.compile(&all[len(all)-1], text); err != nil {
			return nil, err
		}
	}
	return s.managed(ctx, all, session.PolicyARNs)
}

// managed appends the managed policies of the ARNs.
func (s *Service) managed(ctx context.Context, to []policy.Document, arns []string) ([]policy.Document, error) {
	for _, arn := range arns {
		d, err := s.managedPolicy(ctx, arn)
		if err != nil {
			return nil, err
		}
		to = append(to, d)
	}
	return to, nil
}

// managedPolicy returns the policy of an ARN. One that is not there denies all, as
// what it would say is not known.
func (s *Service) managedPolicy(ctx context.Context, arn string) (policy.Document, error) {
	text := nothing
	if path, ok := policyPathOf(arn); ok {
		m, found, err := managedPolicies.Latest(ctx, s.store, path)
		if err != nil {
			return policy.Document{}, err
		}
		if found {
			text = m.Document
		}
	}
	d := policy.Document{Name: arn}
	return d, s.compile(&d, text)
}

// compile fills in the policy of a document.
func (s *Service) compile(d *policy.Document, text string) (err error) {
	if text == nothing {
		d.Policy, err = s.policies.get(nothing, policy.KeyPolicy)
		return err
	}
	d.Policy, err = s.policies.get(text, policy.IdentityPolicy)
	if err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	return nil
}
