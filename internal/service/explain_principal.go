package service

import (
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
)

// hypotheticalSession is the name of the session where only a role is named.
const hypotheticalSession = "any"

// A principalName is the parsed ARN of a principal.
type principalName struct{ arn, account, kind, name, session string }

// parsePrincipal reads the ARN of the root of an account, a user, a role, or a
// session of a role.
func parsePrincipal(arn string) (n principalName, ok bool) {
	if account, kind, _, name, ok := identity.ParseARN(arn); ok {
		return principalName{arn, account, kind, name, hypotheticalSession}, kind != "policy"
	}
	parts := strings.Split(arn, ":")
	if len(parts) != 6 || !key.ValidAccount(parts[4]) {
		return n, false
	}
	n = principalName{arn: arn, account: parts[4], kind: "root"}
	if arn == identity.Root(n.account).ARN {
		return n, true
	}
	n.kind = "role"
	n.name, n.session, _ = strings.Cut(strings.TrimPrefix(parts[5], "assumed-role/"), "/")
	return n, identity.ValidName(n.name) && identity.ValidName(n.session) && arn == n.role("/").SessionARN(n.session)
}

// role returns a role with the name and a path. Nothing else of the role is known.
func (n principalName) role(path string) identity.Role {
	return identity.Role{Entity: identity.Entity{Account: n.account, Name: n.name, Path: path}}
}

// principalOf returns the principal of an ARN as the caller of a request. A principal of
// another account is not looked up, so it need not exist.
func (c *call) principalOf(h *hypothesis, arn string) (p identity.Principal, err error) {
	n, ok := parsePrincipal(arn)
	switch {
	case !ok:
		return p, key.Errorf(key.KindValidation,
			"'%s' is not the ARN of the root of an account, a user, a role or a session of a role, "+
				"such as arn:aws:iam::%s:user/NAME.", arn, h.to)
	case n.kind == "root":
		return identity.Root(n.account), nil
	case n.account != h.to:
		return n.principalOfOtherAccount(), nil
	case n.kind == "user":
		return c.userOf(h, n)
	}
	return c.roleOf(h, n)
}

// principalOfOtherAccount returns a user or role of another account, of which only the name is known.
func (n principalName) principalOfOtherAccount() identity.Principal {
	if n.kind == "user" {
		return identity.Principal{Kind: identity.KindUser, AccountID: n.account, ARN: n.arn, UserName: n.name}
	}
	p := n.role("/").Principal(&identity.Session{Account: n.account, Role: n.name, Name: n.session})
	p.ID = ""
	if strings.HasPrefix(n.arn, "arn:aws:iam:") {
		p.RoleARN = n.arn
	}
	return p
}

func (c *call) userOf(h *hypothesis, n principalName) (p identity.Principal, err error) {
	u, ok, err := read(c.source(), records.Users, records.NamedPath(n.account, n.name))
	if err != nil || !ok || u.ARN() != n.arn {
		return p, firstOf(err, errNoPrincipal(n.arn))
	}
	h.noteDisabled(u.Entity)
	return u.Principal(), nil
}

func (c *call) roleOf(h *hypothesis, n principalName) (p identity.Principal, err error) {
	r, ok, err := read(c.source(), records.Roles, records.NamedPath(n.account, n.name))
	bySession := r.SessionARN(n.session) == n.arn
	if err != nil || !ok || r.ARN() != n.arn && !bySession {
		return p, firstOf(err, errNoPrincipal(n.arn))
	}
	h.noteDisabled(r.Entity)
	if !bySession {
		h.note(fmt.Sprintf("A role makes requests by its sessions: this is one of the name %s.", n.session))
	}
	h.note("The session is one without session policies and session tags, as only its token has these.")
	return r.Principal(&identity.Session{
		Account: r.Account,
		Role:    r.Name,
		RoleID:  r.ID,
		Name:    n.session,
		Issued:  c.now,
	}), nil
}

func errNoPrincipal(arn string) *key.Error {
	return key.Errorf(key.KindNotFound, "There is no principal %s. Names and paths are told apart by case.", arn)
}

func (h *hypothesis) noteDisabled(e identity.Entity) {
	if e.Disabled {
		h.note("It is disabled at present: none of its requests comes as far as a decision.")
	}
}
