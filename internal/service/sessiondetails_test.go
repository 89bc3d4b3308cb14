package service

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/webidentity"
)

// A trust policy can have a condition on each part of a request for a session.
func TestConditionsOfTrustPolicies(t *testing.T) {
	p := newPeople(t)
	tagged := func(in *sts.AssumeRoleRequest) { in.Tags = []sts.Tag{{Key: new("stage"), Value: new("prod")}} }
	for condition, test := range map[string]struct {
		with, without func(in *sts.AssumeRoleRequest)
	}{
		`{"NumericEquals":{"sts:DurationSeconds":"901"}}`: {
			func(in *sts.AssumeRoleRequest) { in.DurationSeconds = new(int32(901)) },
			func(in *sts.AssumeRoleRequest) { in.DurationSeconds = new(int32(902)) }},
		`{"Null":{"sts:DurationSeconds":"true"}}`: {nil, func(in *sts.AssumeRoleRequest) { in.DurationSeconds = new(int32(3600)) }},
		`{"StringEquals":{"sts:RoleSessionName":"x2"}}`: {
			func(in *sts.AssumeRoleRequest) { in.RoleSessionName = new("x2") }, nil},
		`{"StringEquals":{"sts:ExternalId":"e2"}}`:             {func(in *sts.AssumeRoleRequest) { in.ExternalId = new("e2") }, nil},
		`{"StringEquals":{"sts:SourceIdentity":"alice"}}`:      {func(in *sts.AssumeRoleRequest) { in.SourceIdentity = new("alice") }, nil},
		`{"StringEquals":{"aws:RequestTag/stage":"prod"}}`:     {tagged, nil},
		`{"ForAnyValue:StringEquals":{"aws:TagKeys":"stage"}}`: {tagged, nil},
		`{"ForAnyValue:StringEquals":{"sts:TransitiveTagKeys":"stage"}}`: {
			func(in *sts.AssumeRoleRequest) { tagged(in); in.TransitiveTagKeys = []string{"stage"} }, tagged},
		`{"StringEquals":{"aws:ResourceTag/team":"x","aws:ResourceAccount":"111122223333"}}`: {nil, nil},
	} {
		p.role("app", trustPolicy(`{"AWS":"arn:aws:iam::111122223333:user/alice"}`, `,"Condition":`+condition), func(r *identity.Role) {
			r.Tags = []identity.Tag{{Key: "team", Value: "x"}}
		})
		if _, err := p.assume(p.as("alice"), "app", test.with); err != nil {
			t.Errorf("%s: %v", condition, err)
		}
		if test.with == nil && test.without == nil {
			continue
		}
		if _, err := p.assume(p.as("alice"), "app", test.without); err == nil {
			t.Errorf("%s: a request without it is allowed", condition)
		}
	}
}

// A trust policy that does not parse refuses everybody, and is not taken for one that does not allow.
func TestTrustPolicyThatDoesNotParse(t *testing.T) {
	p := newPeople(t)
	p.role("app", "{", func(*identity.Role) {})
	_, err := p.assume(p.as("alice"), "app", nil)
	if _, ok := err.(*key.Error); err == nil || ok {
		t.Errorf("got %v", err)
	}
}

// A token gives a session tags with one value each, and a source identity, within the limits of AssumeRole.
func TestClaimsOfSessions(t *testing.T) {
	many := func(n int) map[string][]string {
		all := map[string][]string{}
		for i := range n {
			all[fmt.Sprint("k", i)] = []string{"v"}
		}
		return all
	}
	long := strings.Repeat
	for name, test := range map[string]struct {
		tags   map[string][]string
		source string
		ok     bool
	}{
		"nothing":                   {nil, "", true},
		"a tag":                     {map[string][]string{"team": {"x"}}, "", true},
		"a tag without a value":     {map[string][]string{"team": {}}, "", false},
		"an empty value":            {map[string][]string{"team": {""}}, "", true},
		"two values":                {map[string][]string{"team": {"x", "y"}}, "", false},
		"an empty name":             {map[string][]string{"": {"x"}}, "", false},
		"the longest name":          {map[string][]string{long("é", 128): {"x"}}, "", true},
		"a longer name":             {map[string][]string{long("é", 129): {"x"}}, "", false},
		"the longest value":         {map[string][]string{"team": {long("é", 256)}}, "", true},
		"a longer value":            {map[string][]string{"team": {long("é", 257)}}, "", false},
		"a name that is not UTF-8":  {map[string][]string{"\xff": {"x"}}, "", false},
		"a value that is not UTF-8": {map[string][]string{"team": {"\xff"}}, "", false},
		"50 tags":                   {many(50), "", true},
		"51 tags":                   {many(51), "", false},
		"a source identity":         {nil, "al", true},
		"a short one":               {nil, "a", false},
		"the longest":               {nil, long("a", 64), true},
		"a longer one":              {nil, long("a", 65), false},
		"a malformed one":           {nil, "a b", false},
		"a reserved tag":            {map[string][]string{"aws:x": {"x"}}, "", false},
	} {
		var claims webidentity.Claims
		claims.Tags.Principal, claims.SourceIdentity = test.tags, test.source
		var s identity.Session
		err := takeClaims(&s, claims)
		if (err == nil) != test.ok || test.ok && (len(s.Tags) != len(test.tags) || s.SourceIdentity != test.source) {
			t.Errorf("%s: %v", name, err)
		}
		for _, tag := range s.Tags {
			if test.ok && tag.Value != test.tags[tag.Key][0] {
				t.Errorf("%s: %+v", name, tag)
			}
		}
	}
}

// An event names its caller as CloudTrail does.
func TestUserIdentity(t *testing.T) {
	issued := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	web := &identity.WebIdentity{Provider: "provider", Audience: "aud", Subject: "sub"}
	role := identity.Role{Entity: identity.Entity{Account: homeAccount, Name: "ci", Path: "/p/", ID: "AROA1"}}
	user := identity.User{Entity: identity.Entity{Account: homeAccount, Name: "alice", Path: "/", ID: "AIDA1"}}.Principal()
	user.AccessKeyID = "AKIA1"
	withToken := user
	withToken.Session = &identity.Session{Issued: issued}
	session := audit.Session{Issued: issued, SourceIdentity: "alice", Issuer: audit.Issuer{
		Type: "Role", PrincipalID: "AROA1", ARN: "arn:aws:iam::111122223333:role/p/ci", AccountID: homeAccount, UserName: "ci"}}
	federated := session
	federated.FederatedProvider = "provider"
	s := identity.Session{Account: homeAccount, Role: "ci", RoleID: "AROA1", Name: "x", Issued: issued, SourceIdentity: "alice"}
	ofWeb := s
	ofWeb.Web = web
	const roleARN = "arn:aws:sts::111122223333:assumed-role/ci/x"
	for name, test := range map[string]struct {
		p    identity.Principal
		want audit.Identity
	}{
		"the root": {identity.Root(homeAccount), audit.Identity{Type: "Root", PrincipalID: homeAccount,
			ARN: "arn:aws:iam::111122223333:root", AccountID: homeAccount}},
		"a user": {user, audit.Identity{Type: "IAMUser", PrincipalID: "AIDA1", ARN: "arn:aws:iam::111122223333:user/alice",
			AccountID: homeAccount, AccessKeyID: "AKIA1", UserName: "alice"}},
		"a user with a token": {withToken, audit.Identity{Type: "IAMUser", PrincipalID: "AIDA1", ARN: "arn:aws:iam::111122223333:user/alice",
			AccountID: homeAccount, AccessKeyID: "AKIA1", UserName: "alice", Session: audit.Session{Issued: issued}}},
		"a session": {role.Principal(&s), audit.Identity{Type: "AssumedRole", PrincipalID: "AROA1:x", ARN: roleARN, AccountID: homeAccount, Session: session}},
		"a session of a provider": {role.Principal(&ofWeb), audit.Identity{Type: "AssumedRole", PrincipalID: "AROA1:x", ARN: roleARN,
			AccountID: homeAccount, Session: federated}},
		"a user of a provider": {identity.Principal{Kind: identity.KindWebIdentity, AccountID: homeAccount, ARN: "x", Session: &identity.Session{Web: web}},
			audit.Identity{Type: audit.WebIdentityUser, PrincipalID: "provider:aud:sub", UserName: "sub", IdentityProvider: "provider"}},
		"a stranger": {identity.Principal{Kind: identity.KindWebIdentity}, audit.Identity{Type: audit.WebIdentityUser}},
	} {
		if got := userIdentity(test.p); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s:\ngot  %+v\nwant %+v", name, got, test.want)
		}
	}
}

// The event of new credentials has their ID and expiry, and not the secret or the token.
func TestEventsOfCredentials(t *testing.T) {
	o := newExplainTest(t)
	alice := o.user(explainAccount, "alice", doc(mayAll))
	out, _, err := o.as(alice, "GetSessionToken", &sts.GetSessionTokenRequest{})
	if err != nil {
		t.Fatal(err)
	}
	c := out.(*sts.GetSessionTokenResponse).Credentials
	log, err := os.ReadFile(o.logPath)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`"responseElements":{"credentials":{"accessKeyId":%q,"expiration":%q}}`, *c.AccessKeyId, c.Expiration.Time().UTC().Format(time.RFC3339))
	if text := string(log); !strings.Contains(text, want) || strings.Contains(text, *c.SecretAccessKey) || strings.Contains(text, *c.SessionToken) {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// Every access key has an ID and a secret of its own.
func TestAccessKeysAreRandom(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		id, secret := newAccessKey(keyPrefix)
		if seen[id] || seen[secret] || len(id) != 20 || len(secret) != 40 || !strings.HasPrefix(id, "AKIA") {
			t.Errorf("%s, %s", id, secret)
		}
		seen[id], seen[secret] = true, true
	}
}

// The memory of opened tokens has a limit of 16 MiB, and of 4096 tokens.
func TestLimitsOfOpenedSessions(t *testing.T) {
	if maxSessionBytes != 16_777_216 || maxOpenedSessions != 4096 || maxSessionToken != 8192 || sessionSize("1234567890") != 1064 {
		t.Errorf("%d bytes, %d tokens of at most %d characters, %d bytes for one of 10", maxSessionBytes, maxOpenedSessions, maxSessionToken, sessionSize("1234567890"))
	}
}
