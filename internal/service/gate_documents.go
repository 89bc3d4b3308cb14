package service

import (
	"errors"
	"fmt"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// denyAll takes the place of a policy that cannot be read.
const denyAll = `{"Version": "2012-10-17", ` +
	`"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}`

// denial returns a document that denies everything.
func (s *Service) denial(name string) (policy.Document, error) {
	p, err := s.compiled.get(denyAll, policy.KeyPolicy)
	return policy.Document{Name: name, Policy: p}, err
}

// keyPolicy returns the policy of a key. A policy that cannot be read, such as one stored by an
// older version, allows nothing, and is reported in the operator's log.
func (c *call) keyPolicy(k key.Key, arn string) (policy.Document, error) {
	name := "" // only an explanation shows the name
	if c.trace != nil {
		name = "the key policy of " + arn
	}
	p, err := c.readFairly(k.Policy)
	if _, malformed := errors.AsType[*policy.SyntaxError](err); err != nil && !malformed {
		return policy.Document{}, err
	}
	if err != nil {
		c.log.Error("a key policy is malformed and denies everything", "key", arn, "error", err)
		return c.denial(name)
	}
	return policy.Document{Name: name, Policy: p}, nil
}

// documentsOf returns the policies of a principal: all policies that decide about a request
// except the policy of the resource. The root of an account has none. After an error nothing
// may be decided, because a policy that could not be read may deny the request.
func (s *Service) documentsOf(from source, p identity.Principal) (d policy.Documents, err error) {
	if p.Kind == identity.KindUser || p.Kind == identity.KindAssumedRole {
		if d, err = s.documentsOfEntity(from, p); err != nil {
			return d, err
		}
	}
	if p.Session != nil && p.Session.IsLimited() {
		d.Session, err = s.sessionDocuments(from, p.Session)
	}
	return d, err
}

// documentsOfEntity returns the policies of a user or role. They stay in memory until an
// identity of the account changes.
func (s *Service) documentsOfEntity(from source, p identity.Principal) (d policy.Documents, err error) {
	account, _, err := read(from, records.Accounts, p.AccountID)
	if err != nil {
		return d, err
	}
	of := entityAt{p.ARN, p.ID, account.Serial}
	if p.Kind == identity.KindAssumedRole {
		of.arn, of.id = p.RoleARN, p.Session.RoleID
	}
	if d, ok := s.compiled.findDocuments(of); ok {
		return d, nil
	}
	if from.from == nil && from.store.Shared() { // memory can have the account and its users as of different moments
		err = from.view(func(v *store.View) error {
			from.from = v
			d, err = s.documentsOfEntity(from, p)
			return err
		})
		return d, err
	}
	if from, err = coveredBy(from, records.Accounts, p.AccountID); err != nil {
		return d, err
	}
	if d, err = s.readDocuments(from, p); err == nil {
		s.compiled.keepDocuments(of, d)
	}
	return d, err
}

// readDocuments reads the policies of a user or role.
func (s *Service) readDocuments(from source, p identity.Principal) (d policy.Documents, err error) {
	e, name, err := entityOf(from, p)
	if err != nil {
		return d, err
	}
	if d.Identity, err = s.identityDocuments(from, e, name); err != nil {
		return d, err
	}
	if e.Boundary != "" {
		d.Boundary, err = s.managedDocument(from, e.Boundary)
	}
	return d, err
}

// entityOf returns the user or role whose policies apply to a principal, and its ARN. The root
// of an account has no ARN here.
func entityOf(from source, p identity.Principal) (e identity.Entity, arn string, err error) {
	switch p.Kind {
	case identity.KindUser:
		u, ok, err := read(from, records.Users, records.NamedPath(p.AccountID, p.UserName))
		if err == nil && (!ok || u.ID != p.ID) {
			err = errGone
		}
		return u.Entity, p.ARN, err
	case identity.KindAssumedRole:
		r, ok, err := read(from, records.Roles, records.NamedPath(p.AccountID, p.Session.Role))
		if err == nil && (!ok || r.ID != p.Session.RoleID) {
			err = errGone
		}
		return r.Entity, p.RoleARN, err
	}
	return e, "", nil
}

// errGone is the answer to a caller whose user or role was removed during the request.
var errGone = key.Errorf(key.KindUnrecognizedClient, "The security token included in the request is invalid.")

func (s *Service) identityDocuments(from source, e identity.Entity, arn string) (all []policy.Document, err error) {
	for _, inline := range e.Inline {
		d, err := s.document("the inline policy "+inline.Name+" of "+arn, inline.Document)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	for _, name := range e.Attached {
		d, err := s.managedDocument(from, name)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// document returns the stored policy of a text. It was parsed before it was stored.
func (s *Service) document(name, text string) (policy.Document, error) {
	p, err := s.compiled.get(text, policy.IdentityPolicy)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return policy.Document{Name: name, Policy: p}, err
}

// managedDocument returns a managed policy that users or roles have. Such a policy exists.
func (s *Service) managedDocument(from source, arn string) (policy.Document, error) {
	d, ok, err := s.findManaged(from, arn)
	if err == nil && !ok {
		err = fmt.Errorf("the managed policy %s is missing", arn)
	}
	return d, err
}

func (s *Service) findManaged(from source, arn string) (d policy.Document, ok bool, err error) {
	path, ok := records.PolicyPath(arn)
	if !ok {
		return d, false, nil
	}
	p, ok, err := read(from, records.ManagedPolicies, path)
	if err != nil || !ok || p.ARN() != arn {
		return d, false, err
	}
	d, err = s.document(arn, p.Document)
	return d, err == nil, err
}

// sessionDocuments returns the policies that limit a session. If a managed policy of the
// session was removed, its limits are unknown, so the session may do nothing.
func (s *Service) sessionDocuments(from source, of *identity.Session) (all []policy.Document, err error) {
	for _, text := range of.Policies {
		d, err := s.document("the session policy", text)
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	for _, arn := range of.PolicyARNs {
		d, ok, err := s.findManaged(from, arn)
		if err == nil && !ok {
			d, err = s.denial(arn + ", which was removed")
		}
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}
