package policy

import (
	"testing"
	"time"
)

const (
	owner  = "111122223333"
	abroad = "444455556666"
	keyARN = "arn:aws:kms:eu-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

	rootARN    = "arn:aws:iam::111122223333:root"
	aliceARN   = "arn:aws:iam::111122223333:user/alice"
	roleARN    = "arn:aws:iam::111122223333:role/path/app"
	sessionARN = "arn:aws:sts::111122223333:assumed-role/app/one"
	bobARN     = "arn:aws:iam::444455556666:user/bob"
	abroadARN  = "arn:aws:iam::444455556666:root"
	oidcARN    = "arn:aws:iam::111122223333:oidc-provider/id.example"
)

var (
	root       = Principal{Kind: Account, Account: owner, ARN: rootARN}
	alice      = Principal{Kind: User, Account: owner, ARN: aliceARN}
	session    = Principal{Kind: AssumedRole, Account: owner, ARN: sessionARN, RoleARN: roleARN}
	bob        = Principal{Kind: User, Account: abroad, ARN: bobARN}
	abroadRoot = Principal{Kind: Account, Account: abroad, ARN: abroadARN}
	visitor    = Principal{Kind: WebIdentity, ARN: oidcARN}

	noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
)

// values are the values of condition keys.
type values map[string][]string

func (v values) Values(name string) []string { return v[name] }

// ask returns a request for an action on the key.
func ask(p Principal, action string) Request {
	return Request{Principal: p, Action: action, Resource: keyARN, Owner: owner, Time: noon}
}

func mustParse(tb testing.TB, text string, t Type) *Policy {
	tb.Helper()
	p, err := Parse(text, t)
	if err != nil {
		tb.Fatalf("%v in %.500s", err, text)
	}
	return p
}

// keyPolicy returns a key policy with the statements, which are given without braces.
func keyPolicy(tb testing.TB, statements ...string) Document {
	tb.Helper()
	return Document{"key policy", mustParse(tb, document(statements...), KeyPolicy)}
}

// identity returns an identity-based policy with the statements.
func identity(tb testing.TB, statements ...string) Document {
	tb.Helper()
	return Document{"identity policy", mustParse(tb, document(statements...), IdentityPolicy)}
}

func document(statements ...string) string {
	text := `{"Version":"2012-10-17","Statement":[`
	for i, s := range statements {
		if i > 0 {
			text += ","
		}
		text += "{" + s + "}"
	}
	return text + "]}"
}
