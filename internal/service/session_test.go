package service

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// newSession returns credentials of a session of alice.
func newSession(t *testing.T) (people, *sts.Credentials) {
	t.Helper()
	p := newPeople(t)
	out, err := p.assume(p.as("alice"), "deployer", nil)
	if err != nil {
		t.Fatal(err)
	}
	return p, out.Credentials
}

func (p people) good(c *sts.Credentials) bool {
	p.Helper()
	k, ok := p.session(c)
	return ok && !k.Expired
}

func TestSessionsEnd(t *testing.T) {
	for name, end := range map[string]func(p people){
		"in time":             func(p people) { p.clock.Advance(time.Hour) },
		"disabled":            func(p people) { p.change(func(r *identity.Role) { r.Disabled = true }) },
		"another of the name": func(p people) { p.change(func(r *identity.Role) { r.ID = "AROAother" }) },
		"ended":               func(p people) { p.change(func(r *identity.Role) { r.SessionsFrom = p.clock.Now() }) },
		"removed": func(p people) {
			p.update(func(tx *store.Tx) error { return records.Roles.Delete(tx, homeAccount+"/deployer") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, c := newSession(t)
			if !p.good(c) {
				t.Fatal("it is not good from the beginning")
			}
			end(p)
			if p.good(c) {
				t.Error("it is still good")
			}
		})
	}
	p, c := newSession(t)
	p.clock.Advance(time.Hour - 2*time.Second)
	if !p.good(c) {
		t.Error("it ends too early")
	}
	p.change(func(r *identity.Role) { r.SessionsFrom = p.clock.Now() })
	out, err := p.assume(p.as("alice"), "deployer", nil)
	if err != nil || !p.good(out.Credentials) || p.good(c) {
		t.Error("a session that was issued since is not good, or an older one is")
	}
}

func (p people) change(fn func(*identity.Role)) {
	p.Helper()
	p.update(func(tx *store.Tx) error {
		r, _, err := records.Roles.Get(tx, homeAccount+"/deployer")
		fn(&r)
		if err == nil {
			err = records.Roles.Put(tx, homeAccount+"/deployer", r)
		}
		return err
	})
}

// A token with any changed bit is refused, and so is a token of another deployment.
func TestTamperedSessions(t *testing.T) {
	p, c := newSession(t)
	sealed, err := base64.StdEncoding.DecodeString(*c.SessionToken)
	if err != nil {
		t.Fatal(err)
	}
	taken := func(s *Service, token string) bool {
		_, ok, err := s.Session(t.Context(), token)
		return ok || err != nil
	}
	for i := range sealed {
		sealed[i] ^= 1 << (i % 8)
		if taken(p.Service, base64.StdEncoding.EncodeToString(sealed)) {
			t.Errorf("byte %d was changed", i)
		}
		sealed[i] ^= 1 << (i % 8)
	}
	for name, token := range map[string]string{
		"empty": "", "shorter": (*c.SessionToken)[:len(*c.SessionToken)-4], "longer": *c.SessionToken + "AAAA", "a line more": *c.SessionToken + "\n",
		"no base64": "!", "huge": strings.Repeat("A", 100_000),
	} {
		if taken(p.Service, token) {
			t.Errorf("%s: taken", name)
		}
	}
	if other := newPeople(t); taken(other.Service, *c.SessionToken) {
		t.Error("another deployment takes it")
	}
	grant, err := p.grantTokens.Seal(nil, []byte("x"))
	if err != nil || taken(p.Service, base64.StdEncoding.EncodeToString(grant)) {
		t.Error("a text that was sealed for another purpose is accepted as a token")
	}
}

// A session that was issued in the future is invalid. It exists only if a clock was set back.
func TestSessionsOfTheFuture(t *testing.T) {
	p := newPeople(t)
	for ahead, want := range map[time.Duration]bool{time.Minute: true, time.Hour: false} {
		s := identity.Session{AccessKeyID: "ASIA1", Account: homeAccount, Issued: p.clock.Now().Add(ahead), Expires: p.clock.Now().Add(2 * time.Hour)}
		token, err := p.sessionTokens.seal(sessionToken{Session: s, Secret: "s"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if k, ok, err := p.Session(t.Context(), token); ok != want || err != nil || k.Expired {
			t.Errorf("%v ahead: %v, %v", ahead, ok, err)
		}
	}
}

func TestAccessKeys(t *testing.T) {
	p := newPeople(t)
	found := func() bool {
		k, ok, err := p.AccessKey(t.Context(), "AKIAALICE")
		if err != nil || ok && k.Principal.ARN != "arn:aws:iam::111122223333:user/alice" {
			t.Fatal(k, err)
		}
		return ok
	}
	if !found() {
		t.Error("alice has no access key")
	}
	p.update(func(tx *store.Tx) error {
		return records.AccessKeys.Put(tx, "AKIAALICE", identity.StoredKey{Account: homeAccount, User: "alice", Secret: "secret", Inactive: true})
	})
	if found() {
		t.Error("one that is not active is taken")
	}
	p.user("alice", func(u *identity.User) { u.Disabled = true })
	if found() {
		t.Error("the session of a disabled user is accepted")
	}
	p.update(func(tx *store.Tx) error { return records.Users.Delete(tx, homeAccount+"/alice") })
	if found() {
		t.Error("the session of a removed user is accepted")
	}
}

// The cache of opened tokens is limited in number and size. An opened token stays until another
// takes its place.
func TestOpenedSessionsAreBounded(t *testing.T) {
	p, c := newSession(t)
	opened := p.sessionTokens.opened
	for i := range maxOpenedSessions + 10 {
		opened.Add(fmt.Sprint(i), nil, sessionSize(fmt.Sprint(i)))
	}
	if n, _ := opened.Size(); n != maxOpenedSessions {
		t.Errorf("%d are kept", n)
	}
	for i := range maxOpenedSessions {
		token := strings.Repeat("x", maxSessionToken-i)
		opened.Add(token, nil, sessionSize(token))
	}
	if _, bytes := opened.Size(); bytes > maxSessionBytes || bytes < maxSessionBytes*9/10 {
		t.Errorf("%d bytes are kept, at most %d", bytes, maxSessionBytes)
	}
	if !p.good(c) {
		t.Error("a token is not opened")
	}
	if kept, ok := opened.Get(*c.SessionToken); !ok || kept == nil {
		t.Error("a token that was opened is not kept")
	}
}

func TestTagsOfTokens(t *testing.T) {
	for _, test := range []struct {
		name, value string
		valid       bool
	}{
		{"a", "", true},
		{"", "x", false},
		{strings.Repeat("é", 128), strings.Repeat("é", 256), true},
		{strings.Repeat("é", 129), "", false},
		{"a", strings.Repeat("é", 257), false},
		{"a\xff", "", false},
		{"a", "\xff", false},
	} {
		if validTag(test.name, test.value) != test.valid {
			t.Errorf("%q, %q: want %v", test.name, test.value, test.valid)
		}
	}
}
