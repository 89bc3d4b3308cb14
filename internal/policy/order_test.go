package policy

import (
	"strings"
	"testing"
)

// The statements for the tests of the order of evaluation.
const (
	use        = `"Effect":"Allow","Action":"kms:Decrypt","Resource":"*"`
	neverUse   = `"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"`
	others     = `"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"`
	toAccount  = use + `,"Principal":{"AWS":"111122223333"}`
	toAlice    = use + `,"Principal":{"AWS":"` + aliceARN + `"}`
	toRole     = use + `,"Principal":{"AWS":"` + roleARN + `"}`
	toSession  = use + `,"Principal":{"AWS":"` + sessionARN + `"}`
	toAll      = use + `,"Principal":"*"`
	toRoleOnly = toAll + `,"Condition":{"ArnEquals":{"aws:PrincipalArn":"` + roleARN + `"}}`
	toAbroad   = use + `,"Principal":{"AWS":"` + abroadARN + `"}`
	toBob      = use + `,"Principal":{"AWS":"` + bobARN + `"}`
	toBoth     = use + `,"Principal":{"AWS":["` + bobARN + `","` + rootARN + `"]}`
	notToAlice = neverUse + `,"Principal":{"AWS":"` + aliceARN + `"}`
	notToOwner = neverUse + `,"Principal":{"AWS":"` + rootARN + `"}`
	notToRole  = neverUse + `,"Principal":{"AWS":"` + roleARN + `"}`
)

// orders lists requests for kms:Decrypt: the principal, and the statements of the key policy, the
// identity-based policies, the permissions boundary and the session policies, one each or "" for none. The
// result is "yes", the role that lacks an Allow, or "deny" and the role that denies.
var orders = []struct {
	name                                 string
	who                                  Principal
	resource, identity, boundary, policy string
	want                                 string
}{
	{"the root by its account", root, toAccount, "", "", "", "yes"},
	{"the root by *", root, toAll, "", "", "", "yes"},
	{"the root, but another is named", root, toAlice, "", "", "", "resource-based policy"},
	{"the root has no policies", root, toAccount, neverUse, neverUse, neverUse, "yes"},
	{"the root by *, with policies that it does not have", root, toAll, neverUse, others, others, "yes"},
	{"the root by its ARN with policies that it does not have", root, toAccount, others, others, others, "yes"},
	{"no policy: the root with policies that it does not have", root, "", others, others, others, "yes"},
	{"from abroad, the root with policies that it does not have", abroadRoot, toAll, others, others, others, "yes"},
	{"the root is denied by its account", root, toAll + "|" + notToOwner, "", "", "", "deny resource-based policy"},

	{"a user by the account and an own policy", alice, toAccount, use, "", "", "yes"},
	{"a user by the account alone", alice, toAccount, "", "", "", "identity-based policy"},
	{"a user by an own policy alone", alice, toBob, use, "", "", "resource-based policy"},
	{"the account is left another action", alice, strings.Replace(toAccount, "Decrypt", "Encrypt", 1), use, "", "", "resource-based policy"},
	{"the own policy is about another action", alice, toAccount, others, "", "", "identity-based policy"},
	{"a user by name", alice, toAlice, "", "", "", "yes"},
	{"a user by *", alice, toAll, "", "", "", "yes"},
	{"a user is denied by name", alice, toAll + "|" + notToAlice, use, "", "", "deny resource-based policy"},
	{"a user is denied with the account", alice, toAlice + "|" + notToOwner, use, "", "", "deny resource-based policy"},
	{"another is denied", alice, toAll + "|" + notToRole, "", "", "", "yes"},
	{"an own policy denies", alice, toAlice, neverUse, "", "", "deny identity-based policy"},
	{"a boundary denies", alice, toAlice, "", neverUse, "", "deny permissions boundary"},
	{"a session policy denies", session, toSession, "", "", neverUse, "deny session policy"},
	{"a deny before an allow", alice, notToAlice + "|" + toAlice, "", "", "", "deny resource-based policy"},

	{"a boundary limits own policies", alice, toAccount, use, others, "", "permissions boundary"},
	{"a boundary allows", alice, toAccount, use, use, "", "yes"},
	{"a boundary does not limit a user's name", alice, toAlice, "", others, "", "yes"},
	{"a boundary limits *", alice, toAll, "", others, "", "permissions boundary"},
	{"a boundary limits a role's name", session, toRole, "", others, "", "permissions boundary"},
	{"a boundary does not limit a session's name", session, toSession, "", others, "", "yes"},
	{"a boundary does not limit * with aws:PrincipalArn", session, toRoleOnly, "", others, others, "yes"},
	{"session policies limit own policies", session, toAccount, use, "", others, "session policy"},
	{"session policies limit a role's name", session, toRole, "", "", others, "session policy"},
	{"session policies limit a user's name", alice, toAlice, "", "", others, "session policy"},
	{"session policies allow", session, toAccount, use, use, use, "yes"},
	{"session policies do not allow by themselves", session, toAccount, "", "", use, "identity-based policy"},
	{"session policies do not limit a session's name", session, toSession, "", "", others, "yes"},
	{"a role by name", session, toRole, "", "", "", "yes"},
	{"a role is denied by name", session, toSession + "|" + notToRole, "", "", "", "deny resource-based policy"},
	{"both limits: the boundary first", session, toRole, "", others, others, "permissions boundary"},

	{"from abroad, both sides", bob, toBob, use, "", "", "yes"},
	{"from abroad, by the account", bob, toAbroad, use, "", "", "yes"},
	{"from abroad, by *", bob, toAll, use, "", "", "yes"},
	{"from abroad, the key alone", bob, toBob, "", "", "", "identity-based policy"},
	{"from abroad, the own policy alone", bob, toAccount, use, "", "", "resource-based policy"},
	{"from abroad, a boundary limits even a name", bob, toBob, use, others, "", "permissions boundary"},
	{"from abroad, session policies limit even a name", bob, toBob, use, "", others, "session policy"},
	{"from abroad, the root", abroadRoot, toAbroad, "", "", "", "yes"},
	{"from abroad, the root of an account that is not named", abroadRoot, toBoth, "", "", "", "resource-based policy"},
	{"from abroad, an own policy denies", bob, toBob, neverUse, "", "", "deny identity-based policy"},

	{"no policy: own policies", alice, "", use, "", "", "yes"},
	{"no policy: no own policies", alice, "", "", "", "", "identity-based policy"},
	{"no policy: within the boundary", alice, "", use, others, "", "permissions boundary"},
	{"no policy: within session policies", session, "", use, "", others, "session policy"},
	{"no policy: the root", root, "", "", "", "", "yes"},
	{"no policy: from abroad", bob, "", use, "", "", "resource-based policy"},
	{"no policy: the root from abroad", abroadRoot, "", use, "", "", "resource-based policy"},
	{"no policy: from outside", visitor, "", use, "", "", "resource-based policy"},
}

func TestOrder(t *testing.T) {
	for _, test := range orders {
		t.Run(test.name, func(t *testing.T) {
			got := decideBoth(t, ask(test.who, "kms:Decrypt"), Documents{
				Resource: optional(t, test.resource, KeyPolicy),
				Identity: list(optional(t, test.identity, IdentityPolicy)),
				Boundary: optional(t, test.boundary, IdentityPolicy),
				Session:  list(optional(t, test.policy, IdentityPolicy)),
			})
			if outcome := describe(got); outcome != test.want {
				t.Errorf("%s, want %s", outcome, test.want)
			}
			if got.Allowed != (got.Text("kms:Decrypt") == "") || got.Allowed && got.Cause != "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// optional returns a document with the statements, which | separates, or none.
func optional(t *testing.T, statements string, as Type) Document {
	t.Helper()
	if statements == "" {
		return Document{}
	}
	return Document{"document", mustParse(t, document(strings.Split(statements, "|")...), as)}
}

func list(d Document) []Document {
	if d.Policy == nil {
		return nil
	}
	return []Document{d}
}

// describe returns a decision as text.
func describe(d Decision) string {
	switch {
	case d.Allowed:
		return "yes"
	case d.Explicit:
		return "deny " + string(d.Cause)
	}
	return string(d.Cause)
}

func TestSeveralSessionPolicies(t *testing.T) {
	d := Documents{Resource: keyPolicy(t, toRole), Session: []Document{identity(t, others), identity(t, use)}}
	if !decideBoth(t, ask(session, "kms:Decrypt"), d).Allowed {
		t.Error("one of the session policies allows, and yet it is denied")
	}
}

func TestTrustPolicy(t *testing.T) {
	trust := Document{"trust", mustParse(t, document(
		`"Effect":"Allow","Principal":{"Federated":"`+oidcARN+`"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"id.example:aud":"keyhold"}}`), TrustPolicy)}
	r := ask(visitor, "sts:AssumeRoleWithWebIdentity")
	r.Resource = roleARN
	for audience, want := range map[string]string{"keyhold": "yes", "other": "resource-based policy", "": "resource-based policy"} {
		r.Values = values{"id.example:aud": {audience}}
		if audience == "" {
			r.Values = nil
		}
		if got := describe(decideBoth(t, r, Documents{Resource: trust})); got != want {
			t.Errorf("audience %q: %s, want %s", audience, got, want)
		}
	}
	r.Principal.ARN = "arn:aws:iam::111122223333:oidc-provider/other.example"
	r.Values = values{"id.example:aud": {"keyhold"}}
	if decideBoth(t, r, Documents{Resource: trust}).Allowed {
		t.Error("another provider is trusted")
	}
}

func TestDecisionText(t *testing.T) {
	for _, test := range []struct {
		d    Decision
		want string
	}{
		{Decision{Allowed: true}, ""},
		{implicitDeny(IdentityBased), "because no identity-based policy allows the kms:Decrypt action"},
		{implicitDeny(ResourceBased), "because no resource-based policy allows the kms:Decrypt action"},
		{implicitDeny(Boundary), "because no permissions boundary allows the kms:Decrypt action"},
		{implicitDeny(SessionPolicy), "because no session policy allows the kms:Decrypt action"},
		{Decision{Explicit: true, Cause: IdentityBased}, "with an explicit deny in an identity-based policy"},
		{Decision{Explicit: true, Cause: ResourceBased}, "with an explicit deny in a resource-based policy"},
		{Decision{Explicit: true, Cause: Boundary}, "with an explicit deny in a permissions boundary"},
		{Decision{Explicit: true, Cause: SessionPolicy}, "with an explicit deny in a session policy"},
	} {
		if got := test.d.Text("kms:Decrypt"); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestSource(t *testing.T) {
	text := "{\"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {" + others + `,"Principal":"*"` + "},\n          {\"Sid\": \"mine\", " + toAlice + "}\n]}"
	got := Decide(ask(alice, "kms:Decrypt"), Documents{Resource: Document{"the key's", mustParse(t, text, KeyPolicy)}}, nil)
	want := Source{Role: ResourceBased, Document: "the key's", Sid: "mine", Index: 1, Line: 4, Column: 11}
	if got.By != want {
		t.Errorf("%+v, want %+v", got.By, want)
	}
}

// Of several statements that allow or deny alike, the source is the first.
func TestSourceIsTheFirstStatement(t *testing.T) {
	for _, effect := range []string{"Allow", "Deny"} {
		statement := strings.Replace("{"+toAlice+"}", "Allow", effect, 1)
		text := `{"Version":"2012-10-17","Statement":[` + statement + "," + statement + `]}`
		got := Decide(ask(alice, "kms:Decrypt"), Documents{Resource: Document{"the key's", mustParse(t, text, KeyPolicy)}}, nil)
		if got.By.Index != 0 || got.By.Line == 0 || got.Explicit != (effect == "Deny") {
			t.Errorf("%s: %+v", effect, got)
		}
	}
}
