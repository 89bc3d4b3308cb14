package service

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

const (
	homeAccount, otherAccount = "111122223333", "444455556666"
	allowAll                  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

// trustPolicy returns a trust policy with the principal and the rest of the statement.
func trustPolicy(principal, rest string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal +
		`,"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]` + rest + `}]}`
}

// people is a deployment with users and roles.
type people struct {
	*testing.T
	*Service
}

func newPeople(t *testing.T) people {
	p := people{t, openForTest(t)}
	p.user("alice", func(*identity.User) {})
	p.user("bob", func(u *identity.User) { u.Account = otherAccount })
	p.role("deployer", trustPolicy(`{"AWS":"arn:aws:iam::111122223333:user/alice"}`, ""), func(*identity.Role) {})
	return p
}

// update changes identities, and increments the serial numbers of both accounts.
func (p people) update(fn func(tx *store.Tx) error) {
	p.Helper()
	err := p.store.Update(p.Context(), func(tx *store.Tx) error {
		for _, account := range []string{homeAccount, otherAccount} {
			a, _, err := records.Accounts.Get(tx, account)
			a.ID = account
			a.Serial++
			if err := errors.Join(err, records.Accounts.Put(tx, account, a)); err != nil {
				return err
			}
		}
		return fn(tx)
	})
	if err != nil {
		p.Fatal(err)
	}
}

// user declares a user. The access key ID is "AKIA" and the name.
func (p people) user(name string, change func(*identity.User)) {
	p.Helper()
	id := "AKIA" + strings.ToUpper(name)
	u := identity.User{Entity: identity.Entity{Account: homeAccount, Name: name, Path: "/", ID: "AIDA" + name}, Keys: []string{id}}
	change(&u)
	p.update(func(tx *store.Tx) error {
		return errors.Join(records.Users.Put(tx, records.NamedPath(u.Account, name), u), records.AccessKeys.Put(tx, id, identity.StoredKey{Account: u.Account, User: name, Secret: "secret"}))
	})
}

func (p people) role(name, trust string, change func(*identity.Role)) {
	p.Helper()
	r := identity.Role{Entity: identity.Entity{Account: homeAccount, Name: name, Path: "/", ID: "AROA" + name}, Trust: trust, MaxSession: 7200}
	change(&r)
	p.update(func(tx *store.Tx) error { return records.Roles.Put(tx, records.NamedPath(r.Account, name), r) })
}

// as returns the user as a caller.
func (p people) as(name string) identity.Principal {
	p.Helper()
	k, ok, err := p.AccessKey(p.Context(), "AKIA"+strings.ToUpper(name))
	if err != nil || !ok {
		p.Fatalf("no %s: %v", name, err)
	}
	return k.Principal
}

// session returns the present access key of session credentials.
func (p people) session(c *sts.Credentials) (k identity.AccessKey, ok bool) {
	p.Helper()
	k, ok, err := p.Session(p.Context(), *c.SessionToken)
	if err != nil || ok && k.ID != *c.AccessKeyId {
		p.Fatal(k, err)
	}
	return k, ok
}

func (p people) do(who identity.Principal, operation string, in any) (any, error) {
	op, ok := p.Find(operation)
	if !ok {
		p.Fatal("no operation ", operation)
	}
	return p.Do(context.Background(), Request{Caller: identity.Caller{Principal: who, Region: "eu-west-2"}, SourceIP: "192.0.2.1", Operation: op, Input: in})
}

func (p people) assume(who identity.Principal, role string, change func(*sts.AssumeRoleRequest)) (*sts.AssumeRoleResponse, error) {
	in := &sts.AssumeRoleRequest{RoleArn: new("arn:aws:iam::111122223333:role/" + role), RoleSessionName: new("build-7")}
	if change != nil {
		change(in)
	}
	out, err := p.do(who, "AssumeRole", in)
	if err != nil {
		return nil, err
	}
	return out.(*sts.AssumeRoleResponse), nil
}

func (p people) wantRefusal(err error, kind key.Kind, part string) {
	p.Helper()
	e, ok := errors.AsType[*key.Error](err)
	if !ok || e.Kind != kind || !strings.Contains(e.Message, part) {
		p.Errorf("got %v, want %s …%s…", err, kind, part)
	}
}

func TestAssumeRole(t *testing.T) {
	p := newPeople(t)
	p.role("deployer", trustPolicy(`{"AWS":"arn:aws:iam::111122223333:user/alice"}`, ""), func(r *identity.Role) {
		r.Path, r.Tags = "/ci/", []identity.Tag{{Key: "team", Value: "x"}}
	})
	out, err := p.assume(p.as("alice"), "ci/deployer", func(in *sts.AssumeRoleRequest) {
		in.Policy = new(allowAll)
		in.Tags = []sts.Tag{{Key: new("stage"), Value: new("prod")}}
		in.SourceIdentity, in.DurationSeconds = new("alice"), new(int32(900))
		in.MinimumSessionTokenSize = new(int32(2000))
	})
	if err != nil {
		t.Fatal(err)
	}
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::111122223333:assumed-role/deployer/build-7" || *out.AssumedRoleUser.AssumedRoleId != "AROAdeployer:build-7" ||
		*out.SourceIdentity != "alice" || *out.PackedPolicySize < 1 || *out.SessionTokenSize < 2000 || int(*out.SessionTokenSize) != len(*out.Credentials.SessionToken) {
		t.Errorf("%+v", out)
	}
	if left := out.Credentials.Expiration.Time().Sub(p.clock.Now()); left > 15*time.Minute || left < 14*time.Minute {
		t.Errorf("it is good for %v", left)
	}
	k, ok := p.session(out.Credentials)
	if !ok || k.Expired {
		t.Fatalf("%+v", k)
	}
	who := k.Principal
	if who.Kind != identity.KindAssumedRole || who.RoleARN != "arn:aws:iam::111122223333:role/ci/deployer" || who.ID != "AROAdeployer:build-7" ||
		!reflect.DeepEqual(who.Tags, []identity.Tag{{Key: "team", Value: "x"}, {Key: "stage", Value: "prod"}}) {
		t.Errorf("%+v", who)
	}
	got, err := p.do(who, "GetCallerIdentity", &sts.GetCallerIdentityRequest{})
	if err != nil || *got.(*sts.GetCallerIdentityResponse).Arn != *out.AssumedRoleUser.Arn {
		t.Errorf("%+v, %v", got, err)
	}
}

// PackedPolicySize counts session policies and tags; without them, the response has none.
func TestPackedPolicySize(t *testing.T) {
	p := newPeople(t)
	p.role("app", trustPolicy(`{"AWS":"arn:aws:iam::111122223333:user/alice"}`, ""), func(*identity.Role) {})
	for name, test := range map[string]struct {
		set  func(in *sts.AssumeRoleRequest)
		want bool
	}{
		"nothing":  {func(*sts.AssumeRoleRequest) {}, false},
		"a tag":    {func(in *sts.AssumeRoleRequest) { in.Tags = []sts.Tag{{Key: new("stage"), Value: new("prod")}} }, true},
		"a policy": {func(in *sts.AssumeRoleRequest) { in.Policy = new(allowAll) }, true},
	} {
		out, err := p.assume(p.as("alice"), "app", test.set)
		if err != nil || (out.PackedPolicySize != nil) != test.want {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
}

func TestAssumeRoleRefusals(t *testing.T) {
	p := newPeople(t)
	p.role("external", trustPolicy(`{"AWS":"arn:aws:iam::111122223333:user/alice"}`, `,"Condition":{"StringEquals":{"sts:ExternalId":"right"}}`), func(*identity.Role) {})
	p.role("delegated", trustPolicy(`{"AWS":"111122223333"}`, ""), func(*identity.Role) {})
	p.role("foreign", trustPolicy(`{"AWS":"444455556666"}`, ""), func(*identity.Role) {})
	p.role("untagged", strings.Replace(trustPolicy(`{"AWS":"arn:aws:iam::111122223333:user/alice"}`, ""), `"sts:TagSession","sts:SetSourceIdentity"`, `"sts:X"`, 1), func(*identity.Role) {})
	p.role("disabled", trustPolicy(`{"AWS":"arn:aws:iam::111122223333:user/alice"}`, ""), func(r *identity.Role) { r.Disabled = true })
	p.user("carol", func(u *identity.User) { u.Inline = []identity.InlinePolicy{{Name: "all", Document: allowAll}} })
	p.user("dave", func(u *identity.User) {
		u.Account, u.Inline = otherAccount, []identity.InlinePolicy{{Name: "all", Document: allowAll}}
	})
	const denied = "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/"
	tag := func(name string) []sts.Tag { return []sts.Tag{{Key: &name, Value: new("v")}} }
	for name, c := range map[string]struct {
		who, role string
		change    func(*sts.AssumeRoleRequest)
		kind      key.Kind
		part      string
	}{
		"a role that is missing":         {"alice", "missing", nil, key.KindAccessDenied, denied + "missing"},
		"one that is disabled":           {"alice", "disabled", nil, key.KindAccessDenied, denied + "disabled"},
		"one of another path":            {"alice", "ci/deployer", nil, key.KindAccessDenied, denied + "ci/deployer"},
		"a user that is not trusted":     {"carol", "deployer", nil, key.KindAccessDenied, denied + "deployer"},
		"no external ID":                 {"alice", "external", nil, key.KindAccessDenied, denied},
		"another external ID":            {"alice", "external", func(in *sts.AssumeRoleRequest) { in.ExternalId = new("wrong") }, key.KindAccessDenied, denied},
		"the external ID":                {"alice", "external", func(in *sts.AssumeRoleRequest) { in.ExternalId = new("right") }, "", ""},
		"delegated, without a policy":    {"alice", "delegated", nil, key.KindAccessDenied, denied},
		"delegated, with one":            {"carol", "delegated", nil, "", ""},
		"another account, no policy":     {"bob", "foreign", nil, key.KindAccessDenied, denied},
		"another account, with one":      {"dave", "foreign", nil, "", ""},
		"tags that are not trusted":      {"alice", "untagged", func(in *sts.AssumeRoleRequest) { in.Tags = tag("k") }, key.KindAccessDenied, denied},
		"a source identity, not trusted": {"alice", "untagged", func(in *sts.AssumeRoleRequest) { in.SourceIdentity = new("alice") }, key.KindAccessDenied, denied},
		"no tags":                        {"alice", "untagged", nil, "", ""},
		"too long":                       {"alice", "deployer", func(in *sts.AssumeRoleRequest) { in.DurationSeconds = new(int32(7201)) }, key.KindValidation, "exceeds the MaxSessionDuration"},
		"too short":                      {"alice", "deployer", func(in *sts.AssumeRoleRequest) { in.DurationSeconds = new(int32(899)) }, key.KindValidation, "durationSeconds"},
		"a malformed policy":             {"alice", "deployer", func(in *sts.AssumeRoleRequest) { in.Policy = new(`{"Statement":{}}`) }, key.KindMalformedPolicyDocument, "The session policy"},
		"a policy that is missing": {"alice", "deployer", func(in *sts.AssumeRoleRequest) {
			in.PolicyArns = []sts.PolicyDescriptorType{{Arn: new("arn:aws:iam::111122223333:policy/missing")}}
		}, key.KindValidation, "not a managed policy"},
		"policies that are too long": {"alice", "deployer", func(in *sts.AssumeRoleRequest) {
			in.Policy = new(allowAll)
			for _, c := range "abcd" {
				in.PolicyArns = append(in.PolicyArns, sts.PolicyDescriptorType{Arn: new("arn:aws:iam::111122223333:policy/" + strings.Repeat(string(c), 500))})
			}
		}, key.KindPackedPolicyTooLarge, "2048 characters"},
		"no role":            {"alice", "", nil, key.KindValidation, "is invalid"},
		"a bad name":         {"alice", "deployer", func(in *sts.AssumeRoleRequest) { in.RoleSessionName = new("a b") }, key.KindValidation, "roleSessionName"},
		"a second factor":    {"alice", "deployer", func(in *sts.AssumeRoleRequest) { in.TokenCode = new("123456") }, key.KindAccessDenied, "MultiFactorAuthentication"},
		"a context":          {"alice", "deployer", func(in *sts.AssumeRoleRequest) { in.ProvidedContexts = make([]sts.ProvidedContext, 1) }, key.KindValidation, "ProvidedContexts"},
		"a reserved tag":     {"alice", "deployer", func(in *sts.AssumeRoleRequest) { in.Tags = tag("AWS:x") }, key.KindValidation, "reserved"},
		"a tag twice":        {"alice", "deployer", func(in *sts.AssumeRoleRequest) { in.Tags = append(tag("k"), tag("K")...) }, key.KindValidation, "Duplicate tag keys"},
		"transitive, no tag": {"alice", "deployer", func(in *sts.AssumeRoleRequest) { in.TransitiveTagKeys = []string{"k"} }, key.KindValidation, "transitive tag key k"},
		"tags that are too long": {"alice", "deployer", func(in *sts.AssumeRoleRequest) {
			for i := range 25 {
				in.Tags = append(in.Tags, sts.Tag{Key: new(strings.Repeat("k", i+1)), Value: new(strings.Repeat("v", 256))})
			}
		}, key.KindPackedPolicyTooLarge, "room for them"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := p.assume(p.as(c.who), c.role, c.change)
			if c.kind == "" && err != nil {
				t.Error(err)
			}
			if c.kind != "" {
				people{t, p.Service}.wantRefusal(err, c.kind, c.part)
			}
		})
	}
	_, err := p.assume(identity.Root(homeAccount), "deployer", nil)
	p.wantRefusal(err, key.KindAccessDenied, "Roles may not be assumed by root accounts.")
}

// A session of a role can assume another role: for an hour at most, with its transitive tags and
// its source identity.
func TestRoleChaining(t *testing.T) {
	p := newPeople(t)
	p.role("next", trustPolicy(`{"AWS":"arn:aws:iam::111122223333:role/deployer"}`, ""), func(*identity.Role) {})
	first, err := p.assume(p.as("alice"), "deployer", func(in *sts.AssumeRoleRequest) {
		in.Tags = []sts.Tag{{Key: new("Keep"), Value: new("1")}, {Key: new("drop"), Value: new("2")}}
		in.TransitiveTagKeys, in.SourceIdentity = []string{"keep"}, new("alice")
	})
	if err != nil {
		t.Fatal(err)
	}
	k, _ := p.session(first.Credentials)
	second, err := p.assume(k.Principal, "next", func(in *sts.AssumeRoleRequest) { in.DurationSeconds = new(int32(3600)) })
	if err != nil {
		t.Fatal(err)
	}
	last, _ := p.session(second.Credentials)
	s := last.Principal.Session
	if !reflect.DeepEqual(s.Tags, []identity.Tag{{Key: "keep", Value: "1"}}) || s.SourceIdentity != "alice" || *second.SourceIdentity != "alice" {
		t.Errorf("%+v", s)
	}
	for name, c := range map[string]struct {
		change func(*sts.AssumeRoleRequest)
		kind   key.Kind
		part   string
	}{
		"longer":                  {func(in *sts.AssumeRoleRequest) { in.DurationSeconds = new(int32(3601)) }, key.KindValidation, "role chaining"},
		"another value":           {func(in *sts.AssumeRoleRequest) { in.Tags = []sts.Tag{{Key: new("KEEP"), Value: new("9")}} }, key.KindValidation, "is transitive"},
		"another source identity": {func(in *sts.AssumeRoleRequest) { in.SourceIdentity = new("mallory") }, key.KindAccessDenied, "source identity"},
	} {
		_, err := p.assume(k.Principal, "next", c.change)
		t.Log(name)
		p.wantRefusal(err, c.kind, c.part)
	}
}

func TestGetSessionToken(t *testing.T) {
	p := newPeople(t)
	p.user("erin", func(u *identity.User) {
		u.Inline = []identity.InlinePolicy{{Name: "no", Document: strings.Replace(strings.Replace(allowAll, "Allow", "Deny", 1), `"*"`, `"sts:GetSessionToken"`, 1)}}
	})
	get := func(who identity.Principal, in *sts.GetSessionTokenRequest) (*sts.GetSessionTokenResponse, error) {
		out, err := p.do(who, "GetSessionToken", in)
		r, _ := out.(*sts.GetSessionTokenResponse)
		return r, err
	}
	for _, who := range []identity.Principal{p.as("alice"), identity.Root(homeAccount)} {
		out, err := get(who, &sts.GetSessionTokenRequest{})
		if err != nil {
			t.Fatal(err)
		}
		k, ok := p.session(out.Credentials)
		want := who
		want.Session, want.AccessKeyID, want.Stored = k.Principal.Session, "", false
		if !ok || !reflect.DeepEqual(k.Principal, want) || !strings.HasPrefix(k.ID, "ASIA") {
			t.Errorf("%+v", k)
		}
		hours := 12 * time.Hour
		if who.Kind == identity.KindAccount {
			hours = time.Hour
		}
		if left := k.Principal.Session.Expires.Sub(p.clock.Now()); left > hours || left < hours-time.Minute {
			t.Errorf("%s: it is good for %v", who.ARN, left)
		}
		_, err = get(k.Principal, &sts.GetSessionTokenRequest{})
		p.wantRefusal(err, key.KindAccessDenied, "session credentials")
	}
	_, err := get(p.as("erin"), &sts.GetSessionTokenRequest{})
	p.wantRefusal(err, key.KindAccessDenied, "with an explicit deny in an identity-based policy")
	_, err = get(p.as("alice"), &sts.GetSessionTokenRequest{SerialNumber: new("arn:aws:iam::111122223333:mfa/x")})
	p.wantRefusal(err, key.KindAccessDenied, "MultiFactorAuthentication")
}

// Users and sessions without an allowing policy may do nothing.
func TestOthersAreAllowedNothing(t *testing.T) {
	p := newPeople(t)
	out, err := p.assume(p.as("alice"), "deployer", nil)
	if err != nil {
		t.Fatal(err)
	}
	k, _ := p.session(out.Credentials)
	for _, who := range []identity.Principal{p.as("alice"), k.Principal} {
		for operation, in := range map[string]any{
			"ListKeys":    &api.ListKeysRequest{},
			"CreateKey":   &api.CreateKeyRequest{},
			"DescribeKey": &api.DescribeKeyRequest{KeyId: new("1234abcd-12ab-34cd-56ef-1234567890ab")},
			"RecreateKey": &api.RecreateKeyRequest{AccountId: new(homeAccount), KeyId: new("1234abcd-12ab-34cd-56ef-1234567890ab")},
		} {
			_, err := p.do(who, operation, in)
			p.wantRefusal(err, key.KindAccessDenied, "because no identity-based policy allows the ")
		}
	}
}
