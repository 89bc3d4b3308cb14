package service

import (
	"context"
	"fmt"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/policy"
)

// documentsOf gathers the policies of a principal: all that a request is held
// against but the policy of the resource. The root of an account has none. An error
// means that some policy could not be had: then nothing may be decided, as it may
// be one that denies.
func (s *Service) documentsOf(ctx context.Context, p identity.Principal) (d policy.Documents, err error) {
	e, ok, err := s.entityOf(ctx, p)
	if err != nil || !ok {
		return d, err
	}
	if d.Identity, err = s.identityDocuments(ctx, e, p.ARN); err != nil {
		return d, err
	}
	if e.Boundary != "" {
		if d.Boundary, err = s.managedDocument(ctx, e.Boundary); err != nil {
			return d, err
		}
	}
	if p.Session != nil && p.Session.IsLimited() {
		d.Session, err = s.sessionDocuments(ctx, p.Session)
	}
	return d, err
}

// entityOf returns the user, or the role of the session, that a principal is. One
// that is no more has no policies, and so may do nothing.
func (s *Service) entityOf(ctx context.Context, p identity.Principal) (e identity.Entity, ok bool, err error) {
	switch p.Kind {
	case identity.KindUser:
		u, ok, err := users.Latest(ctx, s.store, namedPath(p.AccountID, p.UserName))
		return u.Entity, ok, err
	case identity.KindAssumedRole:
		r, ok, err := roles.Latest(ctx, s.store, namedPath(p.AccountID, p.Session.Role))
		return r.Entity, ok, err
	}
	return e, false, nil
}

func (s *Service) identityDocuments(ctx context.Context, e identity.Entity, arn string) (all []policy.Document, err error) {
	for _, inline := range e.Inline {
		compiled, err := s.compiled.get(inline.Document, policy.IdentityPolicy)
		if err != nil {
			return nil, err
		}
		all = append(all, policy.Document{Name: inline.Name + " of " + arn, Policy: compiled})
	}
	for _, name := range e.Attached {
		d, err := s.managedDocument(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// managedDocument returns a managed policy that users or roles have, and which
// therefore is there.
func (s *Service) managedDocument(ctx context.Context, arn string) (policy.Document, error) {
	d, ok, err := s.findManaged(ctx, arn)
	if err == nil && !ok {
		err = fmt.Errorf("the managed policy %s is missing", arn)
	}
	return d, err
}

func (s *Service) findManaged(ctx context.Context, arn string) (d policy.Document, ok bool, err error) {
	path, ok := policyPathOf(arn)
	if !ok {
		return d, false, nil
	}
	p, ok, err := managedPolicies.Latest(ctx, s.store, path)
	if err != nil || !ok || p.ARN() != arn {
		return d, false, err
	}
	d.Name = arn
	d.Policy, err = s.compiled.get(p.Document, policy.IdentityPolicy)
	return d, err == nil, err
}

// nothing is a session policy that allows nothing.
const nothing = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

// sessionDocuments returns the policies that limit a session. Managed ones may have
// been removed since; when none is left it may do nothing.
func (s *Service) sessionDocuments(ctx context.Context, of *identity.Session) (all []policy.Document, err error) {
	for _, text := range of.Policies {
		compiled, err := s.compiled.get(text, policy.IdentityPolicy)
		if err != nil {
			return nil, err
		}
		all = append(all, policy.Document{Name: "the session policy", Policy: compiled})
	}
	for _, arn := range of.PolicyARNs {
		d, ok, err := s.findManaged(ctx, arn)
		if err != nil {
			return nil, err
		}
		if ok {
			all = append(all, d)
		}
	}
	if len(all) == 0 {
		compiled, err := s.compiled.get(nothing, policy.IdentityPolicy)
		return []policy.Document{{Name: "session policies that were removed", Policy: compiled}}, err
	}
	return all, nil
}
