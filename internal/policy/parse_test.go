package policy

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/key"
)

// refusals lists invalid policies by type, with the error. A ^ marks the position of the error and is not part
// of the text.
var refusals = []struct {
	name string
	kind Type
	text string
	want string // beginning of the problem
}{
	{"nothing", KeyPolicy, "^", "the document ends too early"},
	{"an array", KeyPolicy, "^[]", "the policy is not an object"},
	{"nested as deep as one likes", KeyPolicy, "^" + strings.Repeat("[", 1<<16), "the policy is not an object"},
	{"nested inside", KeyPolicy, `{"Statement":` + `[^` + strings.Repeat("[", 1<<16), "a statement is not an object"},
	{"nested values", KeyPolicy, policyOf(`"Effect":"Deny","Principal":"*","Condition":{"Bool":{"a":[^` + strings.Repeat("[", 1<<16)), "a value of a is not"},
	{"cut short", KeyPolicy, `{"Version":"2012-10-17"^`, "unexpected EOF"},
	{"a comma too many", KeyPolicy, `{"Version":"2012-10-17"^,}`, "invalid character ','"},
	{"a comment", KeyPolicy, `{^/**/}`, "invalid character '/'"},
	{"a name twice", KeyPolicy, `{"Version":"2012-10-17",^"Version":"2012-10-17"}`, "duplicate object member name"},
	{"a name twice inside", KeyPolicy, policyOf(`"Effect":"Allow",^"Effect":"Deny"}`), "duplicate object member name"},
	{"no UTF-8", KeyPolicy, `{"^` + "\xff" + `":1}`, "invalid UTF-8"},
	{"half a surrogate", KeyPolicy, `{"Id":"^\ud800"}`, "invalid surrogate pair"},
	{"text after it", KeyPolicy, document(toAll) + " ^{}", "there is text after the policy"},
	{"an unknown member", KeyPolicy, `{^"version":"2012-10-17"}`, `a policy of this type has no "version"`},
	{"an Id of an identity policy", IdentityPolicy, `{^"Id":"x"}`, `a policy of this type has no "Id"`},
	{"an Id that is a number", KeyPolicy, `{"Id":^1}`, "Id is not a string"},
	{"another version", KeyPolicy, `{"Version":^"2020-01-01"}`, "Version is neither"},
	{"a version that is a date", KeyPolicy, `{"Version":^20121017}`, "Version is not a string"},
	{"no statement", KeyPolicy, `^{"Version":"2012-10-17"}`, "the policy has no Statement"},
	{"no statements", KeyPolicy, `{"Statement":^[]}`, "Statement is an empty list"},
	{"a statement that is a string", KeyPolicy, `{"Statement":^"Allow"}`, "a statement is not an object"},
	{"a null", KeyPolicy, `{"Statement":[{` + toAll + `},^null]}`, "a statement is not an object"},
	{"on another line", KeyPolicy, "{\n \"Statement\": [\n  {\"Effect\": ^\"allow\"}]}", "Effect is neither Allow nor Deny"},
	{"after other letters", KeyPolicy, `{"Id":"äöü€😀","Statement":{"Effect":^true}}`, "Effect is not a string"},
	{"an unknown element", KeyPolicy, policyOf(`^"Effects":"Allow"}`), `a statement has no "Effects"`},
	{"no Effect", KeyPolicy, `{"Statement":^{"Principal":"*"}}`, "the statement has no Effect"},

	{"no Principal", KeyPolicy, policyAt(use), "the statement has no Principal"},
	{"no Principal of a trust policy", TrustPolicy, policyAt(`"Effect":"Allow","Action":"sts:AssumeRole"`), "the statement has no Principal"},
	{"a Principal of an identity policy", IdentityPolicy, policyOf(use + `,^"Principal":"*"}`), "a statement of this type of policy has no Principal"},
	{"a NotPrincipal of an identity policy", IdentityPolicy, policyOf(use + `,^"NotPrincipal":"*"}`), "a statement of this type of policy has no NotPrincipal"},
	{"both", KeyPolicy, policyOf(neverUse + `,"Principal":"*",^"NotPrincipal":"*"}`), "NotPrincipal and its negation cannot both be present"},
	{"NotPrincipal and Allow", KeyPolicy, policyAt(use + `,"NotPrincipal":"*"`), "NotPrincipal cannot be used with Allow"},
	{"NotPrincipal of a trust policy", TrustPolicy, policyOf(`"Effect":"Deny","Action":"*",^"NotPrincipal":"*"}`), "a statement of this type of policy has no NotPrincipal"},
	{"a principal without a kind", KeyPolicy, policyOf(`"Principal":^"` + rootARN + `"}`), "Principal is neither * nor an object"},
	{"a list of principals", KeyPolicy, policyOf(`"Principal":^["*"]}`), "Principal is not an object"},
	{"no principal", KeyPolicy, policyOf(`"Principal":^{}}`), "Principal names no principal"},
	{"no principal of a kind", KeyPolicy, policyOf(`"Principal":{"AWS":^[]}}`), "AWS is an empty list"},
	{"an unknown kind", KeyPolicy, policyOf(`"Principal":{^"aws":"*"}}`), `unknown kind of principal "aws"`},
	{"a short account", KeyPolicy, aws("11112222333"), `"11112222333" is not a principal of the kind AWS`},
	{"part of an account", KeyPolicy, aws("arn:aws:iam::*:root"), ""},
	{"any user", KeyPolicy, aws("arn:aws:iam::111122223333:user/*"), ""},
	{"some roles", KeyPolicy, aws("arn:aws:iam::111122223333:role/app?"), ""},
	{"any session", KeyPolicy, aws("arn:aws:sts::111122223333:assumed-role/app/*"), ""},
	{"a group", KeyPolicy, aws("arn:aws:iam::111122223333:group/all"), ""},
	{"a name", KeyPolicy, aws("alice"), ""},
	{"an empty one", KeyPolicy, aws(""), ""},
	{"a second one", KeyPolicy, policyOf(`"Principal":{"AWS":["*",^"x"]}}`), ""},
	{"any service", KeyPolicy, policyOf(`"Principal":{"Service":^"*"}}`), `"*" is not a principal of the kind Service`},
	{"any provider", TrustPolicy, policyOf(`"Principal":{"Federated":^"*"}}`), ""},
	{"a provider of no account", TrustPolicy, policyOf(`"Principal":{"Federated":^"arn:aws:iam::x:oidc-provider/a"}}`), ""},
	{"a provider that is a user", TrustPolicy, policyOf(`"Principal":{"Federated":^"` + aliceARN + `"}}`), ""},
	{"some providers", TrustPolicy, policyOf(`"Principal":{"Federated":^"arn:aws:iam::111122223333:oidc-provider/*"}}`), ""},
	{"a short canonical user", KeyPolicy, policyOf(`"Principal":{"CanonicalUser":^"abc"}}`), ""},

	{"no Action of an identity policy", IdentityPolicy, policyAt(`"Effect":"Allow","Resource":"*"`), "the statement has no Action"},
	{"no Action of a trust policy", TrustPolicy, policyAt(`"Effect":"Allow","Principal":"*"`), "the statement has no Action"},
	{"no Resource of an identity policy", IdentityPolicy, policyAt(`"Effect":"Allow","Action":"*"`), "the statement has no Resource"},
	{"a Resource of a trust policy", TrustPolicy, policyOf(`"Principal":"*",^"Resource":"*"}`), "a statement of this type of policy has no Resource"},
	{"Action and NotAction", KeyPolicy, policyOf(`"NotAction":"*",^"Action":"*"}`), "Action and its negation cannot both be present"},
	{"Resource and NotResource", KeyPolicy, policyOf(`"Resource":"*",^"NotResource":"*"}`), "NotResource and its negation cannot both be present"},
	{"an action without a service", KeyPolicy, policyOf(`"Action":^"Decrypt"}`), `"Decrypt" is not an action`},
	{"an action without a name", KeyPolicy, policyOf(`"Action":["kms:*",^"kms:"]}`), `"kms:" is not an action`},
	{"an action with a space", KeyPolicy, policyOf(`"Action":^"kms: Decrypt"}`), ""},
	{"an action of two", KeyPolicy, policyOf(`"Action":^"kms:a:b"}`), ""},
	{"a letter that only looks like a k", KeyPolicy, policyOf("\"Action\":^\"\u212ams:Decrypt\"}"), ""},
	{"no actions", KeyPolicy, policyOf(`"Action":^[]}`), "Action is an empty list"},
	{"an action that is a number", KeyPolicy, policyOf(`"Action":[^1]}`), "Action is not a string"},
	{"a Resource that is an object", KeyPolicy, policyOf(`"Resource":^{}}`), "Resource is not a string"},
	{"a Sid with a space", IdentityPolicy, policyOf(`"Sid":^"my own"}`), "Sid must consist of letters and digits"},
	{"a Sid twice", KeyPolicy, `{"Statement":[{"Sid":"a",` + toAll + `},{"Sid":^"a",` + toAll + `}]}`, "another statement has the same Sid"},

	{"a Condition that is a list", KeyPolicy, policyOf(`"Condition":^[]}`), "Condition is not an object"},
	{"an operator without an object", KeyPolicy, policyOf(`"Condition":{"Bool":^"x"}}`), "Bool is not an object"},
	{"no values", KeyPolicy, policyOf(`"Condition":{"Bool":{"a":^[]}}}`), "a is an empty list"},
	{"a null as a value", KeyPolicy, policyOf(`"Condition":{"Bool":{"a":[true,^null]}}}`), "a value of a is not"},
}

// policyOf returns the beginning of a policy with a statement that has these members.
func policyOf(members string) string { return `{"Version":"2012-10-17","Statement":[{` + members }

// policyAt returns a policy whose error is at the statement.
func policyAt(members string) string { return `{"Statement":[^{` + members + `}]}` }

func aws(principal string) string { return policyOf(`"Principal":{"AWS":^"` + principal + `"}}`) }

func TestParseRefuses(t *testing.T) {
	for _, test := range refusals {
		before, after, ok := strings.Cut(test.text, "^")
		if !ok {
			t.Fatalf("%s: no place", test.name)
		}
		want := start.to(len(before), before+after)
		_, err := Parse(before+after, test.kind)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if syntax.Line != want.line || syntax.Column != want.column || !strings.HasPrefix(syntax.Problem, test.want) {
			t.Errorf("%s: %v, want line %d, column %d: %s", test.name, err, want.line, want.column, test.want)
		}
	}
}

func TestPosition(t *testing.T) {
	for at, want := range map[int]string{0: "1:1", 1: "1:2", 3: "1:3", 4: "2:1", 5: "2:2", 99: "2:3"} {
		p := start.to(at, "aä\nbc")
		if got := fmt.Sprintf("%d:%d", p.line, p.column); got != want {
			t.Errorf("offset %d: %s, want %s", at, got, want)
		}
		if p != start.to(min(at, 3), "aä\nbc").to(at, "aä\nbc") && at >= 3 {
			t.Errorf("offset %d: another place on the way there", at)
		}
	}
}

func TestParseAccepts(t *testing.T) {
	for _, test := range []struct {
		kind Type
		text string
	}{
		{KeyPolicy, key.DefaultPolicy(owner)},
		{KeyPolicy, `{"Id":"","Statement":{"Sid":"with spaces: ü","Effect":"Allow","Principal":"*"},"Version":"2008-10-17"}`},
		{KeyPolicy, `{"Statement":[{"Sid":"",` + toAll + `},{"Sid":"",` + toAll + `},{` + toAll + `}]}`},
		{KeyPolicy, document(`"Effect":"Deny","NotPrincipal":{"AWS":"` + owner + `"},"NotAction":"kms:*","NotResource":"*"`)},
		{KeyPolicy, document(toAll + `,"Condition":{"Bool":{"aws:SecureTransport":true},"NumericEquals":{"kms:RotationPeriodInDays":[9e1,"90"]}}`)},
		{TrustPolicy, document(`"Effect":"Allow","Principal":{"Federated":["` + oidcARN + `","accounts.google.com","arn:aws:iam::111122223333:saml-provider/a"],"Service":"ec2.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]`)},
		{IdentityPolicy, document(`"Sid":"Use1","Effect":"Allow","NotAction":"iam:*","NotResource":["arn:aws:s3:::b/${aws:username}"]`)},
	} {
		if _, err := Parse(test.text, test.kind); err != nil {
			t.Errorf("%v: %s", err, test.text)
		}
	}
}

func TestPrincipals(t *testing.T) {
	p := mustParse(t, document(toAll, toAlice, toAccount, toBoth, toSession,
		`"Effect":"Deny","NotPrincipal":{"AWS":"`+roleARN+`","Service":"logs.amazonaws.com"}`,
		`"Effect":"Deny","Principal":{"AWS":"*","Federated":"`+oidcARN+`"}`), KeyPolicy)
	want := []key.Principal{aliceARN, rootARN, bobARN, sessionARN, roleARN, "logs.amazonaws.com", oidcARN}
	if got := p.Principals(); !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
