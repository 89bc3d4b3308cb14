package policy

import (
	"strings"
	"testing"
)

// statements lists single Allow statements of a key policy, and whether they let alice Decrypt. The test also
// tries each of them as a Deny next to a statement that allows everything: it must deny exactly what it would
// allow.
var statements = []struct {
	rest string // of the statement
	want bool
}{
	{`"Principal":"*","Action":"kms:Decrypt","Resource":"*"`, true},
	{`"Principal":{"AWS":"*"},"Action":"KMS:decrypt","Resource":"*"`, true},
	{`"Principal":{"AWS":["arn:aws:iam::111122223333:user/bob","` + aliceARN + `"]},"Action":["kms:Encrypt","kms:Decrypt"],"Resource":["*"]`, true},
	{`"Principal":{"Service":"logs.amazonaws.com","AWS":"` + aliceARN + `"},"Action":"*","Resource":"*"`, true},
	{`"Principal":{"Service":"logs.amazonaws.com"},"Action":"*","Resource":"*"`, false},
	{`"Principal":{"CanonicalUser":"` + strings.Repeat("0a", 32) + `"},"Action":"*","Resource":"*"`, false},
	{`"Principal":{"Federated":"` + oidcARN + `"},"Action":"*","Resource":"*"`, false},
	{`"Principal":{"AWS":"arn:aws:iam::111122223333:user/Alice"},"Action":"*","Resource":"*"`, false},
	{`"Principal":{"AWS":"` + roleARN + `"},"Action":"*","Resource":"*"`, false},

	{`"Principal":"*","Action":"kms:De*","Resource":"*"`, true},
	{`"Principal":"*","Action":"kms:D?CRYP?","Resource":"*"`, true},
	{`"Principal":"*","Action":"kms:*crypt","Resource":"*"`, true},
	{`"Principal":"*","Action":"*:Decrypt","Resource":"*"`, true},
	{`"Principal":"*","Action":"kms:Decrypt?","Resource":"*"`, false},
	{`"Principal":"*","Action":"kms:Decryp","Resource":"*"`, false},
	{`"Principal":"*","Action":"s3:*","Resource":"*"`, false},
	{`"Principal":"*","NotAction":"kms:Encrypt","Resource":"*"`, true},
	{`"Principal":"*","NotAction":["kms:Encrypt","kms:D*"],"Resource":"*"`, false},
	{`"Principal":"*","NotAction":"*","Resource":"*"`, false},
	{`"Principal":"*","Resource":"*"`, false},
	{`"Principal":"*","Action":"*"`, false},
	{`"Principal":"*"`, false},

	{`"Principal":"*","Action":"*","Resource":"` + keyARN + `"`, true},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-west-2:111122223333:key/*"`, true},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:*:*:key/1234abcd-*-1234567890ab"`, true},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:*"`, true},       // the * at the end of a segment matches colons
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:*:key/*"`, true}, // the same
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-w*/*"`, false},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu?west?2:1111????3333:key/*"`, true},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms?eu-west-2:111122223333:key/*"`, false},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-west-2:111122223333:KEY/*"`, false},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-west-2:111122223333:alias/*"`, false},
	{`"Principal":"*","Action":"*","NotResource":"arn:aws:kms:eu-west-2:111122223333:alias/*"`, true},
	{`"Principal":"*","Action":"*","NotResource":["arn:aws:s3:::b","arn:aws:kms:*:*:key/*"]`, false},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-west-2:111122223333:key/${kms:EncryptionContext:id}*"`, true},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-west-2:111122223333:key/${aws:Missing, '1234abcd'}*"`, true},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-west-2:111122223333:key/${aws:Missing,''}*"`, true},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-west-2:111122223333:key/${aws:Missing,*"`, false},               // literal
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-west-2:111122223333:key/${aws:Missing, '*"`, false},             // literal
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-west-2:111122223333:key/${kms:EncryptionContext:star}"`, false}, // a * in a value is literal
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-west-2:111122223333:key/*${aws:username}"`, false},              // a variable without a value matches nothing
	{`"Principal":"*","Action":"*","Resource":["arn:aws:kms:eu-west-2:111122223333:key/${aws:username}","` + keyARN + `"]`, true},
	{`"Principal":"*","Action":"*","Resource":["arn:aws:kms:eu-west-2:111122223333:key/${aws:username}","arn:aws:s3:::b"]`, false},
	{`"Principal":"*","Action":"*","NotResource":"arn:aws:kms:eu-west-2:111122223333:key/*${aws:username}"`, true},
	{`"Principal":"*","Action":"*","NotResource":["arn:aws:kms:eu-west-2:111122223333:key/${aws:username}","` + keyARN + `"]`, false},
	{`"Principal":"*","Action":"*","Resource":"arn:aws:kms:eu-west-2:${aws:PrincipalAccount}:key/*"`, false}, // variables are allowed only after the fifth colon
}

func TestStatements(t *testing.T) {
	r := ask(alice, "kms:Decrypt")
	r.Values = values{"kms:encryptioncontext:id": {"1234abcd"}, "kms:encryptioncontext:star": {"*"}}
	for _, test := range statements {
		d := Documents{Resource: keyPolicy(t, `"Effect":"Allow",`+test.rest)}
		if got := decideBoth(t, r, d); got.Allowed != test.want {
			t.Errorf("allowed %v, want %v: %s", got.Allowed, test.want, test.rest)
		}
		d = Documents{Resource: keyPolicy(t, toAll, `"Effect":"Deny",`+test.rest)}
		if got := decideBoth(t, r, d); got.Explicit != test.want {
			t.Errorf("denied %v, want %v: %s", got.Explicit, test.want, test.rest)
		}
	}
}

// Variables exist only in the newer version of the language.
func TestVersions(t *testing.T) {
	const statement = `"Statement":{` + toAll + `,"Condition":{"StringEquals":{"aws:username":"${aws:username}"}}}}`
	for version, want := range map[string]bool{`"Version":"2012-10-17",`: true, `"Version":"2008-10-17",`: false, "": false} {
		for _, text := range []string{"{" + version + statement, strings.TrimSuffix("{"+statement, "}") + "," + strings.TrimSuffix(version, ",") + "}"} {
			if version == "" {
				text = "{" + statement
			}
			r := ask(alice, "kms:Decrypt")
			r.Values = values{"aws:username": {"alice"}}
			d := Documents{Resource: Document{"key", mustParse(t, text, KeyPolicy)}}
			if got := decideBoth(t, r, d); got.Allowed != want {
				t.Errorf("allowed %v, want %v: %s", got.Allowed, want, text)
			}
			r.Values = values{"aws:username": {"${aws:username}"}}
			if got := decideBoth(t, r, d); !got.Allowed { // as a variable or as text
				t.Errorf("not allowed: %s", text)
			}
		}
	}
}

func TestNotPrincipal(t *testing.T) {
	for _, test := range []struct {
		names  string
		who    Principal
		denied bool
	}{
		{`{"AWS":["` + aliceARN + `","` + rootARN + `"]}`, alice, false},
		{`{"AWS":["` + aliceARN + `","` + owner + `"]}`, alice, false},
		{`{"AWS":["` + aliceARN + `","` + abroadARN + `"]}`, alice, true}, // the account is another's
		{`{"AWS":"` + aliceARN + `"}`, alice, true},                       // the account is missing
		{`{"AWS":["` + roleARN + `","` + sessionARN + `"]}`, session, true},
		{`{"AWS":["` + aliceARN + `","` + rootARN + `"]}`, session, true},
		{`{"AWS":"` + rootARN + `"}`, root, false},
		{`{"AWS":"*"}`, session, false},
		{`{"AWS":"` + aliceARN + `"}`, root, true},
		{`{"AWS":["` + roleARN + `","` + rootARN + `"]}`, session, false},
		{`{"AWS":["` + sessionARN + `","` + rootARN + `"]}`, session, false},
		{`{"AWS":["` + roleARN + `","` + rootARN + `"]}`, root, false},
		{`{"AWS":["` + roleARN + `","` + rootARN + `"]}`, alice, true}, // the account stands for its root only
		{`{"AWS":"` + abroadARN + `"}`, alice, true},
		{`"*"`, alice, false},
	} {
		d := Documents{Resource: keyPolicy(t, toAll, neverUse+`,"NotPrincipal":`+test.names)}
		if got := decideBoth(t, ask(test.who, "kms:Decrypt"), d); got.Explicit != test.denied || got.Allowed == test.denied {
			t.Errorf("NotPrincipal %s, %s: %+v", test.names, test.who.ARN, got)
		}
		d.Boundary = identity(t, use)
		if got := decideBoth(t, ask(test.who, "kms:Decrypt"), d); got.Explicit != (test.denied || test.who.Kind != Account) {
			t.Errorf("NotPrincipal %s, %s with a boundary: %+v", test.names, test.who.ARN, got)
		}
	}
}
