package service

import (
	"context"
	"errors"

	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/seed"
)

// CheckDocuments holds the policies of a file to the language. The error tells the
// line in the file, and the place in the policy.
func CheckDocuments(f seed.File) error {
	for _, d := range f.Documents() {
		kind := policy.IdentityPolicy
		if d.Trust {
			kind = policy.TrustPolicy
		}
		_, err := policy.Parse(d.Text, kind)
		if wrong, ok := errors.AsType[*policy.SyntaxError](err); ok {
			return d.Errorf(wrong.Line, wrong.Column, "%s", wrong.Problem)
		}
	}
	return nil
}

// seedIdentities brings the identities of a dev server to what the file says: what
// others refer to comes first.
func (s *Service) seedIdentities(ctx context.Context, f seed.File) error {
	as := rootIn(s.devAccount, "us-east-1")
	for _, a := range f.Accounts {
		if err := s.doSeed(ctx, as, a, putAccount, "id", &a.Request); err != nil {
			return err
		}
	}
	for _, p := range f.Policies {
		if err := s.doSeed(ctx, as, p, putPolicy, "name", &p.Request); err != nil {
			return err
		}
	}
	for _, p := range f.Providers {
		if err := s.doSeed(ctx, as, p, putProvider, "url", &p.Request); err != nil {
			return err
		}
	}
	for _, r := range f.Roles {
		if err := s.doSeed(ctx, as, r, putRole, "name", &r.Request); err != nil {
			return err
		}
	}
	for _, u := range f.Users {
		if err := s.seedUser(ctx, u); err != nil {
			return err
		}
	}
	return nil
}

// seedUser makes no access keys but those of the file, as nobody would learn their
// secrets.
func (s *Service) seedUser(ctx context.Context, u seed.User) error {
	as := rootIn(s.devAccount, "us-east-1")
	if u.Request.AccessKeys != nil {
		return u.Errorf("access_keys", "the secrets of generated access keys would be shown to nobody: give the user a [[user.access_key]]")
	}
	if err := s.doSeed(ctx, as, u, putUser, "name", &u.Request); err != nil {
		return err
	}
	for _, k := range u.Keys {
		if err := s.doSeed(ctx, as, k, seedAccessKey, "access_key", &k.Request); err != nil {
			return err
		}
	}
	return nil
}
