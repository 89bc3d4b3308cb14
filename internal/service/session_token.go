package service

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/bounded"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// A sessionToken is the content of the token of temporary credentials. The deployment seals it.
// Therefore the server stores nothing for a token, any node can read it, and only the deployment
// can make or change one.
type sessionToken struct {
	identity.Session
	Secret  string `json:"secret"`
	Padding string `json:"padding,omitzero"` // for callers that ask for a longer token
}

// The maximum size of a token, in characters, which must fit into a header with the other
// fields; and the limits of the cache of opened tokens, in number and bytes.
const (
	maxSessionToken   = 8192
	maxOpenedSessions = 4096
	maxSessionBytes   = 16 << 20
)

// sessionSize estimates the memory of an opened token in bytes. The decoded session is up to
// three times as large as the token.
func sessionSize(token string) int { return 1<<10 + 4*len(token) }

// sessionTokens seals and opens tokens.
type sessionTokens struct {
	sealer seal.Sealer
	codec  store.Codec[sessionToken]

	opened *bounded.Cache[string, *sessionToken] // by the token
}

func newSessionTokens(s seal.Sealer) *sessionTokens {
	return &sessionTokens{
		sealer: s,
		codec:  store.JSON[sessionToken](),
		opened: bounded.New[string, *sessionToken](maxOpenedSessions, maxSessionBytes),
	}
}

// seal returns a token of at least the given number of characters.
func (s *sessionTokens) seal(t sessionToken, least int) (string, error) {
	token, err := s.encode(t)
	if short := least - len(token); err == nil && short > 0 {
		t.Padding = strings.Repeat(".", short*3/4+1) // three bytes are four characters
		token, err = s.encode(t)
	}
	return token, err
}

func (s *sessionTokens) encode(t sessionToken) (string, error) {
	plain, err := s.codec.Encode(t)
	if err != nil {
		return "", err
	}
	defer clear(plain)
	sealed, err := s.sealer.Seal(nil, plain)
	return base64.StdEncoding.EncodeToString(sealed), err
}

// open returns the content of a token of this deployment. The content is shared and must not be
// changed.
func (s *sessionTokens) open(token string) (t *sessionToken, ok bool) {
	t, ok = s.opened.Get(token)
	if ok || len(token) > maxSessionToken {
		return t, ok
	}
	if t, ok = s.decode(token); !ok {
		return nil, false
	}
	return s.opened.Add(strings.Clone(token), t, sessionSize(token)), true
}

func (s *sessionTokens) decode(token string) (*sessionToken, bool) {
	sealed, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil || strings.ContainsAny(token, "\r\n") {
		return nil, false
	}
	plain, err := s.sealer.Open(nil, sealed)
	if err != nil {
		return nil, false
	}
	defer clear(plain)
	t, err := s.codec.Decode(plain)
	return &t, err == nil // a token of a newer program may have more members
}

// maxSessionSkew is how far in the future a session may have been issued, because the clock of
// another node may be ahead.
const maxSessionSkew = 5 * time.Minute

// Session is the identity.Lookup of temporary credentials by their token. It does not find
// sessions of a user or role that was removed or disabled.
func (s *Service) Session(ctx context.Context, token string) (k identity.AccessKey, ok bool, err error) {
	t, ok := s.sessionTokens.open(token)
	now := s.clock.Now()
	if !ok || t.Issued.After(now.Add(maxSessionSkew)) {
		return k, false, nil
	}
	read := s.newReads()
	from := s.newest(ctx, read)
	k, ok, err = accessKeyOfSession(from, t, now)
	if err == nil && (!ok || k.Expired && now.Before(t.Expires)) && from.isMemory() {
		k, ok, err = accessKeyOfSession(from.fromStore(), t, now)
	}
	if err == nil && read != nil {
		_, err = s.await(ctx, read)
	}
	return k, ok, err
}

// accessKeyOfSession returns the access key of a token.
func accessKeyOfSession(from source, t *sessionToken, now time.Time) (k identity.AccessKey, ok bool, err error) {
	p, ended, ok, err := bearer(from, &t.Session)
	return identity.AccessKey{
		ID:        t.AccessKeyID,
		Secret:    identity.NewSecret(t.Secret),
		Principal: p,
		Expired:   !now.Before(t.Expires) || ended,
	}, ok, err
}

// bearer returns the principal of a session, and whether the session was ended. The user or role
// must be the same one for which the session was issued.
func bearer(from source, of *identity.Session) (p identity.Principal, ended, ok bool, err error) {
	switch {
	case of.Role != "":
		r, ok, err := read(from, records.Roles, records.NamedPath(of.Account, of.Role))
		return r.Principal(of), r.HasEnded(of), ok && r.ID == of.RoleID && !r.Disabled, err
	case of.User != "":
		u, ok, err := read(from, records.Users, records.NamedPath(of.Account, of.User))
		p = u.Principal()
		p.Session = of
		return p, u.HasEnded(of), ok && u.ID == of.UserID && !u.Disabled, err
	}
	a, _, err := read(from, records.Accounts, of.Account)
	p = identity.Root(of.Account)
	p.Session = of
	return p, a.Generation != of.Generation, true, err
}
