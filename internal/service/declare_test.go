package service

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// newAdministered returns a deployment of homeAccount without identities.
func newAdministered(t *testing.T) people {
	p := people{t, openForTest(t)}
	p.devAccount = homeAccount
	return p
}

func (p people) put(operation string, in any) (*api.PutIdentityResponse, error) {
	out, err := p.do(identity.Root(homeAccount), operation, in)
	r, _ := out.(*api.PutIdentityResponse)
	return r, err
}

// wantPut carries out a Put operation and checks its change and the differing members.
func (p people) wantPut(operation string, in any, change string, members ...string) *api.PutIdentityResponse {
	p.Helper()
	out, err := p.put(operation, in)
	if err != nil {
		p.Fatal(err)
	}
	if *out.Change != change || !reflect.DeepEqual(out.Members, members) {
		p.Errorf("%s: %s %q, want %s %q", operation, *out.Change, out.Members, change, members)
	}
	return out
}

func aUser() *api.PutUserRequest {
	return &api.PutUserRequest{
		Name: new("Alice"), Path: new("/staff/"), AccessKeys: new(int32(1)), ManagedPolicies: []string{"use"}, PermissionsBoundary: new("use"),
		Policies: []api.InlinePolicy{{Name: new("b"), Document: new(allowAll)}, {Name: new("a"), Document: new(allowAll)}},
		Tags:     []api.Tag{{TagKey: new("team"), TagValue: new("x")}},
	}
}

func aPolicy() *api.PutPolicyRequest {
	return &api.PutPolicyRequest{Name: new("use"), Path: new("/p/"), Document: new(allowAll)}
}

func TestDeclarations(t *testing.T) {
	p := newAdministered(t)
	if out := p.wantPut("PutPolicy", aPolicy(), "created"); *out.Arn != usePolicy {
		t.Errorf("%s", *out.Arn)
	}
	dry := aUser()
	dry.DryRun = new(true)
	if out := p.wantPut("PutUser", dry, "created"); out.NewAccessKeys != nil {
		t.Error("a dry run made an access key")
	}
	made := p.wantPut("PutUser", aUser(), "created")
	if len(made.NewAccessKeys) != 1 || *made.Arn != "arn:aws:iam::111122223333:user/staff/Alice" {
		t.Fatalf("%+v", made)
	}
	k, ok, err := p.AccessKey(t.Context(), *made.NewAccessKeys[0].AccessKeyId)
	if err != nil || !ok || k.Principal.ARN != *made.Arn || !strings.HasPrefix(k.Principal.ID, "AIDA") {
		t.Errorf("%+v %v", k, err)
	}
	if d := p.documents(k.Principal); len(d.Identity) != 3 || d.Boundary.Policy == nil {
		t.Errorf("%+v", d)
	}
	p.wantPut("PutUser", aUser(), "none")

	changed := aUser()
	changed.DryRun, changed.AccessKeys, changed.Tags, changed.Policies = new(true), new(int32(2)), nil, changed.Policies[:1]
	p.wantPut("PutUser", changed, "changed", "tags", "policy", "access_keys")
	p.wantPut("PutUser", aUser(), "none")
	changed.DryRun = nil
	if out := p.wantPut("PutUser", changed, "changed", "tags", "policy", "access_keys"); len(out.NewAccessKeys) != 1 {
		t.Errorf("%+v", out)
	}
	p.wantPut("PutUser", changed, "none")

	for member, change := range map[string]func(*api.PutUserRequest){
		"path":                 func(u *api.PutUserRequest) { u.Path = new("/other/") },
		"managed_policies":     func(u *api.PutUserRequest) { u.ManagedPolicies = nil },
		"permissions_boundary": func(u *api.PutUserRequest) { u.PermissionsBoundary = nil },
	} {
		one := *changed
		one.DryRun = new(true)
		change(&one)
		p.wantPut("PutUser", &one, "changed", member)
	}

	role := &api.PutRoleRequest{Name: new("deployer"), Trust: new(trustPolicy(`"*"`, "")), MaxSessionSeconds: new(int32(3600))}
	p.wantPut("PutRole", role, "created")
	role.MaxSessionSeconds = new(int32(7200))
	p.wantPut("PutRole", role, "changed", "max_session_seconds")
	provider := &api.PutProviderRequest{Url: new("https://oidc.example.com/x"), ClientIds: []string{"b", "a", "b"}}
	if out := p.wantPut("PutProvider", provider, "created"); *out.Arn != "arn:aws:iam::111122223333:oidc-provider/oidc.example.com/x" {
		t.Errorf("%s", *out.Arn)
	}
	p.wantPut("PutProvider", provider, "none")
	other := &api.PutAccountRequest{AccountId: new(otherAccount), Name: new("partner"), AccessKeys: new(int32(1))}
	out := p.wantPut("PutAccount", other, "created")
	k, ok, err = p.AccessKey(t.Context(), *out.NewAccessKeys[0].AccessKeyId)
	if err != nil || !ok || k.Principal.ARN != "arn:aws:iam::444455556666:root" {
		t.Errorf("%+v %v", k, err)
	}
	p.wantPut("PutAccount", other, "none")
}

func TestRefusedDeclarations(t *testing.T) {
	p := newAdministered(t)
	p.wantPut("PutPolicy", aPolicy(), "created")
	p.wantPut("PutUser", aUser(), "created")
	user := func(change func(*api.PutUserRequest)) *api.PutUserRequest {
		in := aUser()
		change(in)
		return in
	}
	for name, c := range map[string]struct {
		operation string
		in        any
		kind      key.Kind
		part      string
	}{
		"an account that is not declared": {"PutUser", &api.PutUserRequest{AccountId: new(otherAccount), Name: new("x")}, key.KindNotFound, "no account 444455556666"},
		"no account":                      {"PutUser", &api.PutUserRequest{AccountId: new("44445555666x"), Name: new("x")}, key.KindValidation, "12 digits"},
		"a name in another case":          {"PutUser", user(func(in *api.PutUserRequest) { in.Name = new("alice") }), key.KindAlreadyExists, `"Alice"`},
		"a name":                          {"PutUser", user(func(in *api.PutUserRequest) { in.Name = new("a/b") }), key.KindValidation, "is not a name"},
		"a path":                          {"PutUser", user(func(in *api.PutUserRequest) { in.Path = new("x") }), key.KindValidation, "is not a path"},
		"a policy that is missing":        {"PutUser", user(func(in *api.PutUserRequest) { in.ManagedPolicies = []string{"missing"} }), key.KindNotFound, "no managed policy missing"},
		"a boundary that is missing":      {"PutUser", user(func(in *api.PutUserRequest) { in.PermissionsBoundary = new("arn:aws:iam::111122223333:policy/use") }), key.KindNotFound, "policy/use"},
		"a policy of another account":     {"PutUser", user(func(in *api.PutUserRequest) { in.ManagedPolicies = []string{"arn:aws:iam::444455556666:policy/use"} }), key.KindValidation, "not a managed policy of account"},
		"a malformed inline policy":       {"PutUser", user(func(in *api.PutUserRequest) { in.Policies[0].Document = new("{") }), key.KindMalformedPolicyDocument, ""},
		"an inline policy twice":          {"PutUser", user(func(in *api.PutUserRequest) { in.Policies[0].Name = new("a") }), key.KindValidation, "listed twice"},
		"inline policies that are large":  {"PutUser", user(func(in *api.PutUserRequest) { in.Policies[0].Document = new(largePolicy(2100)) }), key.KindLimitExceeded, "make managed policies"},
		"a tag twice":                     {"PutUser", user(func(in *api.PutUserRequest) { in.Tags = append(in.Tags, in.Tags...) }), key.KindValidation, "Duplicate"},
		"a malformed policy":              {"PutPolicy", &api.PutPolicyRequest{Name: new("x"), Document: new(`{"Statement":[{}]}`)}, key.KindMalformedPolicyDocument, ""},
		"a large policy":                  {"PutPolicy", &api.PutPolicyRequest{Name: new("x"), Document: new(largePolicy(6200))}, key.KindLimitExceeded, "6144"},
		"a policy of another path":        {"PutPolicy", &api.PutPolicyRequest{Name: new("use"), Document: new(allowAll)}, key.KindAlreadyExists, "cannot be changed"},
		"a trust policy without trust":    {"PutRole", &api.PutRoleRequest{Name: new("x"), Trust: new(allowAll)}, key.KindMalformedPolicyDocument, ""},
		"a session that is too long":      {"PutRole", &api.PutRoleRequest{Name: new("x"), Trust: new(trustPolicy(`"*"`, "")), MaxSessionSeconds: new(int32(43201))}, key.KindValidation, "maxSessionSeconds"},
		"a provider without TLS":          {"PutProvider", &api.PutProviderRequest{Url: new("http://x.example"), ClientIds: []string{"a"}}, key.KindValidation, "not the URL"},
		"one with a slash":                {"PutProvider", &api.PutProviderRequest{Url: new("https://x.example/"), ClientIds: []string{"a"}}, key.KindValidation, "slash at the end"},
		"one in capitals":                 {"PutProvider", &api.PutProviderRequest{Url: new("https://X.example"), ClientIds: []string{"a"}}, key.KindValidation, "lower case"},
		"one with a query":                {"PutProvider", &api.PutProviderRequest{Url: new("https://x.example?a=b"), ClientIds: []string{"a"}}, key.KindValidation, "not the URL"},
		"one for nobody":                  {"PutProvider", &api.PutProviderRequest{Url: new("https://x.example")}, key.KindValidation, "client ID"},
		"one with bad roots":              {"PutProvider", &api.PutProviderRequest{Url: new("https://x.example"), ClientIds: []string{"a"}, Roots: new("x")}, key.KindValidation, "no certificate"},
	} {
		_, err := p.put(c.operation, c.in)
		t.Log(name)
		p.wantRefusal(err, c.kind, c.part)
	}
	for name, o := range operations(true) {
		if o.Target != api.TargetAdmin || slices.Contains(everywhere, name) {
			continue
		}
		_, err := p.do(identity.Root(otherAccount), name, validRequest(o))
		p.wantRefusal(err, key.KindAccessDenied, "is not authorized to perform: keyhold:"+name+" on resource: ")
		p.wantRefusal(err, key.KindAccessDenied, "because it is for principals of the deployment's account alone")
	}
}

// everywhere are the administrative operations that are not only for the deployment's account: operations on keys and
// on the caller itself, and operations whose valid request is not empty.
var everywhere = strings.Fields("ExplainDecision ListKeySummaries ProveEvent RecreateKey RotateAccessKey SealRotate")

func largePolicy(size int) string {
	return strings.Replace(allowAll, `"Action":"*"`, `"Action":"kms:`+strings.Repeat("x", size-90)+`"`, 1)
}

// aBackup is a request for a backup to a recipient whom nobody knows.
func aBackup() *api.BackupRequest {
	return &api.BackupRequest{Recipients: []string{"age1spste8v5y57ht5mcfndfdq4p5a5vjugzj74gljaca2x4gq9te5aqy3t8ay"}}
}

// validRequest returns a valid request of an administrative operation.
func validRequest(o Operation) any {
	switch in := o.NewInput().(type) {
	case *api.PutUserRequest:
		return aUser()
	case *api.BackupRequest:
		return aBackup()
	case *api.PutPolicyRequest:
		return aPolicy()
	case *api.PutRoleRequest:
		return &api.PutRoleRequest{Name: new("x"), Trust: new(trustPolicy(`"*"`, ""))}
	case *api.PutProviderRequest:
		return &api.PutProviderRequest{Url: new("https://x.example"), ClientIds: []string{"a"}}
	case *api.IdentityRequest:
		return &api.IdentityRequest{Kind: new("user"), Name: new("alice")}
	case *api.SealMigrateRequest:
		return &api.SealMigrateRequest{To: new("key-file:new.key")}
	case *api.SetIdentityStateRequest:
		return &api.SetIdentityStateRequest{AccessKeyId: new("AKIA1"), Enabled: new(false)}
	case *api.ListIdentitiesRequest:
		return &api.ListIdentitiesRequest{Kind: new("user")}
	default:
		return in
	}
}

func TestDeletions(t *testing.T) {
	p := newAdministered(t)
	p.wantPut("PutPolicy", aPolicy(), "created")
	made := p.wantPut("PutUser", aUser(), "created")
	id := *made.NewAccessKeys[0].AccessKeyId
	remove := func(kind, name string) error {
		_, err := p.do(identity.Root(homeAccount), "DeleteIdentity", &api.IdentityRequest{Kind: &kind, Name: &name})
		return err
	}
	p.wantRefusal(remove("policy", "use"), key.KindConflict, "user/staff/Alice has the policy")
	p.wantRefusal(remove("user", "bob"), key.KindNotFound, "There is no user bob")
	p.wantRefusal(remove("account", homeAccount), key.KindValidation, `not "account": give oidc-provider, policy, role or user.`)
	p.wantRefusal(remove("group", "g"), key.KindValidation, `not "group": give oidc-provider, policy, role or user.`)
	for _, kind := range []string{"user", "policy"} {
		name := map[string]string{"user": "alice", "policy": "use"}[kind]
		if err := remove(kind, name); err != nil {
			t.Error(err)
		}
		p.wantRefusal(remove(kind, name), key.KindNotFound, "There is no")
	}
	if _, ok, err := p.AccessKey(t.Context(), id); ok || err != nil {
		t.Errorf("the access key of a removed user is there: %v", err)
	}
	p.update(func(tx *store.Tx) error {
		if _, ok, err := records.AccessKeys.Get(tx, id); ok || err != nil {
			t.Errorf("its record is there: %v", err)
		}
		return nil
	})
}

func TestRotateAccessKey(t *testing.T) {
	p := newAdministered(t)
	p.wantPut("PutPolicy", aPolicy(), "created")
	first := *p.wantPut("PutUser", aUser(), "created").NewAccessKeys[0].AccessKeyId
	rotate := func(in *api.RotateAccessKeyRequest) (*api.RotateAccessKeyResponse, error) {
		out, err := p.do(identity.Root(homeAccount), "RotateAccessKey", in)
		r, _ := out.(*api.RotateAccessKeyResponse)
		return r, err
	}
	set := func(id string, enabled bool) {
		t.Helper()
		if _, err := p.do(identity.Root(homeAccount), "SetIdentityState", &api.SetIdentityStateRequest{AccessKeyId: &id, Enabled: &enabled}); err != nil {
			t.Fatal(err)
		}
	}
	alice := &api.RotateAccessKeyRequest{Name: new("alice")}
	second, err := rotate(alice)
	if err != nil || second.Removed != nil {
		t.Fatal(second, err)
	}
	_, err = rotate(alice)
	p.wantRefusal(err, key.KindLimitExceeded, "both are active")
	set(first, false)
	if _, ok, _ := p.AccessKey(t.Context(), first); ok {
		t.Error("a disabled access key is good")
	}
	set(first, true)
	if _, ok, _ := p.AccessKey(t.Context(), first); !ok {
		t.Error("an enabled access key is not good")
	}
	set(first, false)
	third, err := rotate(alice)
	if err != nil || *third.Removed != first || *third.Arn != "arn:aws:iam::111122223333:user/staff/Alice" {
		t.Fatal(third, err)
	}
	root, err := rotate(&api.RotateAccessKeyRequest{})
	if err != nil || *root.Arn != "arn:aws:iam::111122223333:root" {
		t.Fatal(root, err)
	}
	_, err = rotate(&api.RotateAccessKeyRequest{Name: new("bob")})
	p.wantRefusal(err, key.KindNotFound, "no user bob")
	own := identity.Root(homeAccount)
	own.AccessKeyID = *root.Made.AccessKeyId
	_, err = p.do(own, "SetIdentityState", &api.SetIdentityStateRequest{AccessKeyId: root.Made.AccessKeyId, Enabled: new(false)})
	p.wantRefusal(err, key.KindConflict, "the one that signed")
}

func TestShowAndList(t *testing.T) {
	p := newAdministered(t)
	p.wantPut("PutPolicy", aPolicy(), "created")
	id := *p.wantPut("PutUser", aUser(), "created").NewAccessKeys[0].AccessKeyId
	if _, err := p.do(identity.Principal{Kind: identity.KindUser, AccountID: homeAccount, UserName: "Alice", AccessKeyID: id}, "ListKeys", &api.ListKeysRequest{}); err == nil {
		t.Fatal("a user is allowed")
	}
	out, err := p.do(identity.Root(homeAccount), "ShowIdentity", &api.IdentityRequest{Kind: new("user"), Name: new("alice")})
	if err != nil {
		t.Fatal(err)
	}
	shown := out.(*api.ShowIdentityResponse)
	k := shown.AccessKeys[0]
	if *shown.Arn != "arn:aws:iam::111122223333:user/staff/Alice" || len(shown.Policies) != 2 || *k.AccessKeyId != id || !k.Active || k.LastUsedDate == nil || *k.Service != "kms" || *k.Region != "eu-west-2" {
		t.Errorf("%+v %+v", shown, k)
	}
	for kind, want := range map[string]int{"user": 1, "role": 0, "policy": 1, "account": 1, "oidc-provider": 0} {
		out, err := p.do(identity.Root(homeAccount), "ListIdentities", &api.ListIdentitiesRequest{Kind: &kind})
		if err != nil || len(out.(*api.ListIdentitiesResponse).Identities) != want {
			t.Errorf("%s: %+v, %v", kind, out, err)
		}
	}
	_, err = p.do(identity.Root(homeAccount), "ListIdentities", &api.ListIdentitiesRequest{Kind: new("group")})
	p.wantRefusal(err, key.KindValidation, "no kind of identity")
}

// ShowIdentity shows the end of sessions that older versions kept as a time.
func TestShownEndOfSessions(t *testing.T) {
	p := newAdministered(t)
	p.wantPut("PutPolicy", aPolicy(), "created")
	p.wantPut("PutUser", aUser(), "created")
	show := func() *api.Timestamp {
		out, err := p.do(identity.Root(homeAccount), "ShowIdentity", &api.IdentityRequest{Kind: new("user"), Name: new("alice")})
		if err != nil {
			t.Fatal(err)
		}
		return out.(*api.ShowIdentityResponse).SessionsFrom
	}
	if at := show(); at != nil {
		t.Errorf("sessions have ended: %v", at)
	}
	ended := p.clock.Now().Truncate(time.Second)
	p.update(func(tx *store.Tx) error {
		u, _, err := records.Users.Get(tx, records.NamedPath(homeAccount, "alice"))
		u.SessionsFrom = ended
		return errors.Join(err, records.Users.Put(tx, records.NamedPath(homeAccount, "alice"), u))
	})
	if at := show(); at == nil || *at != *api.NewTimestamp(ended) {
		t.Errorf("sessions have ended at %v", at)
	}
}

func TestRevokeSessions(t *testing.T) {
	p, c := newSession(t)
	p.devAccount = homeAccount
	_, err := p.do(identity.Root(homeAccount), "RevokeSessions", &api.IdentityRequest{Kind: new("role"), Name: new("deployer")})
	if err != nil || p.good(c) {
		t.Errorf("a revoked session is good: %v", err)
	}
	_, err = p.do(identity.Root(homeAccount), "SetIdentityState", &api.SetIdentityStateRequest{Kind: new("user"), Name: new("alice"), Enabled: new(false)})
	if _, ok, _ := p.AccessKey(t.Context(), "AKIAALICE"); ok || err != nil {
		t.Errorf("the access key of a disabled user is good: %v", err)
	}
	_, err = p.do(identity.Root(homeAccount), "RevokeSessions", &api.IdentityRequest{Kind: new("policy"), Name: new("use")})
	p.wantRefusal(err, key.KindValidation, "Only users and roles have sessions")
}

// A dry run may name a managed policy that does not exist yet by its ARN, because the same file
// may declare the policy. Without a dry run, the name and the ARN are refused.
func TestDryRunWithAPolicyThatIsNotThere(t *testing.T) {
	p := newAdministered(t)
	p.wantPut("PutPolicy", aPolicy(), "created")
	const missing, otherPath = "arn:aws:iam::111122223333:policy/missing", "arn:aws:iam::111122223333:policy/q/use"
	for _, c := range []struct {
		policy string
		dry    bool
		ok     bool
	}{
		{usePolicy, true, true}, {missing, true, true}, {"missing", true, false}, {otherPath, true, false},
		{usePolicy, false, true}, {missing, false, false}, {"missing", false, false}, {otherPath, false, false},
	} {
		in := aUser()
		in.ManagedPolicies, in.DryRun = []string{c.policy}, &c.dry
		if _, err := p.put("PutUser", in); (err == nil) != c.ok {
			t.Errorf("%s, dry %v: %v", c.policy, c.dry, err)
		}
	}
}

// A user or role is found only under its path.
func TestPrincipalsHaveTheirPath(t *testing.T) {
	p := newAdministered(t)
	p.wantPut("PutPolicy", aPolicy(), "created")
	p.wantPut("PutUser", aUser(), "created")
	p.wantPut("PutRole", &api.PutRoleRequest{Name: new("App"), Path: new("/team/"), Trust: new(trustPolicy(`"*"`, ""))}, "created")
	c := &call{Service: p.Service, ctx: t.Context()}
	for name, want := range map[string]bool{
		"user/staff/Alice": true, "user/Alice": false, "user/other/Alice": false, "user/Bob": false,
		"role/team/App": true, "role/App": false, "role/other/App": false, "role/Other": false,
	} {
		if there, err := c.principalExists(c.source(), "arn:aws:iam::"+homeAccount+":"+name); err != nil || there != want {
			t.Errorf("%s: %v, %v", name, there, err)
		}
	}
}
