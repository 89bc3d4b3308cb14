package service

import (
	"context"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
)

// maxSessionSkew is how far a session may be ahead of the clock, as another node
// may have issued it.
const maxSessionSkew = 5 * time.Minute

// Session is the identity.Lookup of temporary credentials, by their token. Those of
// a user or role that is gone or disabled are none.
func (s *Service) Session(ctx context.Context, token string) (k identity.AccessKey, ok bool, err error) {
	t, ok := s.sessionTokens.open(token)
	now := s.clock.Now()
	if !ok || t.Issued.After(now.Add(maxSessionSkew)) {
		return k, false, nil
	}
	p, since, ok, err := bearer(s.newest(ctx), &t.Session)
	return identity.AccessKey{
		ID:        t.AccessKeyID,
		Secret:    identity.NewSecret(t.Secret),
		Principal: p,
		Expired:   !now.Before(t.Expires) || t.Issued.Before(since),
	}, ok, err
}

// bearer returns who has a session, and the moment before which sessions of theirs
// were ended. Whoever has the name now must be the same as then.
func bearer(from source, of *identity.Session) (p identity.Principal, since time.Time, ok bool, err error) {
	switch {
	case of.Role != "":
		r, ok, err := read(from, records.Roles, records.NamedPath(of.Account, of.Role))
		return r.Principal(of), r.SessionsFrom, ok && r.ID == of.RoleID && !r.Disabled, err
	case of.User != "":
		u, ok, err := read(from, records.Users, records.NamedPath(of.Account, of.User))
		p = u.Principal()
		p.Session = of
		return p, u.SessionsFrom, ok && u.ID == of.UserID && !u.Disabled, err
	}
	p = identity.Root(of.Account)
	p.Session = of
	return p, since, true, nil
}
