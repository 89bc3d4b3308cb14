package key

import (
	"strings"
	"testing"
)

func TestMeansDefaultPolicy(t *testing.T) {
	def := DefaultPolicy(account)
	compact := strings.Join(strings.Fields(def), "")
	const statement = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`
	for name, document := range map[string]string{
		"as it is":          def,
		"compact":           strings.ReplaceAll(compact, "EnableIAMUserPermissions", "Enable IAM User Permissions"),
		"tabs and newlines": "\t\r\n" + strings.ReplaceAll(def, " :", "\n\t:") + "\r\n",
		"another Id":        strings.Replace(def, "key-default-1", "mine", 1),
		"another Sid":       strings.Replace(def, "Enable IAM User Permissions", "mine", 1),
		"no Id, no Sid":     `{"Version":"2012-10-17","Statement":[` + statement + `]}`,
		"one statement":     `{"Version":"2012-10-17","Statement":` + statement + `}`,
		"another order":     `{"Statement":[{"Resource":"*","Action":"kms:*","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Effect":"Allow"}],"Version":"2012-10-17"}`,
		"escapes":           strings.Replace(def, "kms:*", `\u006bms:*`, 1),
		"of 32 KiB":         def + strings.Repeat(" ", MaxPolicySize-len(def)),
	} {
		if err := CheckPolicy(document, account, false); err != nil || !MeansDefaultPolicy(document, account) {
			t.Errorf("%s: not the default policy, %v", name, err)
		}
	}
}

// butDefault returns the default policy with one thing changed.
func butDefault(t *testing.T, old, new string) string {
	t.Helper()
	def := DefaultPolicy(account)
	if !strings.Contains(def, old) {
		t.Fatalf("the default policy has no %s", old)
	}
	return strings.Replace(def, old, new, 1)
}

// These may be the policies of a key, but they are not the default one.
func TestCheckPolicyAcceptsOthers(t *testing.T) {
	def := DefaultPolicy(account)
	but := func(old, new string) string { t.Helper(); return butDefault(t, old, new) }
	for name, document := range map[string]string{
		"another version": but("2012-10-17", "2008-10-17"),
		"no version":      but(`"Version" : "2012-10-17",`, ""),
		"everybody": but(`{
      "AWS" : "arn:aws:iam::111122223333:root"
    }`, `"*"`),
		"one resource":         but(`"*"`, `"`+keyARN+`"`),
		"another member":       but(`"Id"`, `"More" : 1, "Id"`),
		"the statement twice":  but("} ]", `}, `+def[strings.Index(def, "[ {")+2:strings.LastIndex(def, "]")]+"]"),
		"a second statement":   but("} ]", `}, {"Effect":"Allow","Principal":{"Service":"logs.amazonaws.com"},"Action":"kms:Decrypt","Resource":"*"} ]`),
		"an ineffective one":   but("} ]", `}, {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/alice"}} ]`),
		"a conditional denial": but("} ]", `}, {"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}} ]`),
		"another denial":       but("} ]", `}, {"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*"} ]`),
	} {
		if err := CheckPolicy(document, account, false); err != nil || MeansDefaultPolicy(document, account) {
			t.Errorf("%s: is the default policy, or %v", name, err)
		}
	}
	if foreign := DefaultPolicy("999988887777"); CheckPolicy(foreign, account, true) != nil || MeansDefaultPolicy(foreign, account) {
		t.Error("the default policy of another account is taken for that of this one")
	}
}

func TestCheckPolicyRefuses(t *testing.T) {
	def := DefaultPolicy(account)
	but := func(old, new string) string { t.Helper(); return butDefault(t, old, new) }
	for _, test := range []struct {
		name, document string
		want           Kind
		message        string
	}{
		{"no statement", `{"Version":"2012-10-17"}`, KindMalformedPolicyDocument, "The key policy has a statement that is not an object."},
		{"empty object", "{}", KindMalformedPolicyDocument, ""},
		{"no statements", `{"Version":"2012-10-17","Statement":[]}`, KindMalformedPolicyDocument, "The key policy has no statement."},
		{"a string for a statement", `{"Version":"2012-10-17","Statement":["Allow"]}`, KindMalformedPolicyDocument, "The key policy has a statement that is not an object."},
		{"a bad statement after a good one", but("} ]", "}, null ]"), KindMalformedPolicyDocument, "The key policy has a statement that is not an object."},
		{"no effect", but(`"Effect" : "Allow",`, ""), KindMalformedPolicyDocument, "The key policy has a statement whose Effect is neither Allow nor Deny."},
		{"another effect", but("Allow", "allow"), KindMalformedPolicyDocument, "The key policy has a statement whose Effect is neither Allow nor Deny."},
		{"an effect that is a list", but(`"Allow"`, `["Allow"]`), KindMalformedPolicyDocument, ""},
		{"members in another case", but(`"Effect"`, `"effect"`), KindMalformedPolicyDocument, ""},
		{"no principal", but(`"Principal"`, `"Who"`), KindMalformedPolicyDocument, "The key policy has a statement without a Principal."},
		{"a null principal", but(`{
      "AWS" : "arn:aws:iam::111122223333:root"
    }`, `null`), KindMalformedPolicyDocument, "The key policy has a statement without a Principal."},
		{"a principal without a kind", but(`{
      "AWS" : "arn:aws:iam::111122223333:root"
    }`, `"arn:aws:iam::111122223333:root"`), KindMalformedPolicyDocument, "The key policy has a statement without a Principal."},
		{"an empty principal", but(`"AWS" : "arn:aws:iam::111122223333:root"`, ""), KindMalformedPolicyDocument, "The key policy has a statement without a Principal."},

		{"nothing", "", KindMalformedPolicyDocument, "The key policy is not a JSON object."},
		{"blank", " \n", KindMalformedPolicyDocument, ""},
		{"null", "null", KindMalformedPolicyDocument, ""},
		{"array", "[" + def + "]", KindMalformedPolicyDocument, ""},
		{"string", `"` + "policy" + `"`, KindMalformedPolicyDocument, ""},
		{"number", "1", KindMalformedPolicyDocument, ""},
		{"truncated", def[:len(def)-1], KindMalformedPolicyDocument, ""},
		{"two documents", def + def, KindMalformedPolicyDocument, ""},
		{"trailing text", def + "x", KindMalformedPolicyDocument, ""},
		{"trailing comma", but("} ]", "}, ]"), KindMalformedPolicyDocument, ""},
		{"comment", but("{", "{ // mine\n"), KindMalformedPolicyDocument, ""},
		{"a member twice", but(`"Effect"`, `"Effect" : "Deny", "Effect"`), KindMalformedPolicyDocument, ""},
		{"invalid UTF-8", but("Enable IAM", "\xff"), KindMalformedPolicyDocument, ""},

		{"a byte over 32 KiB", def + strings.Repeat(" ", MaxPolicySize-len(def)+1), KindLimitExceeded, ""},
		{"garbage over 32 KiB", strings.Repeat("[", MaxPolicySize+1), KindLimitExceeded, ""},
		{"nested as deep as fits", strings.Repeat("[", MaxPolicySize), KindMalformedPolicyDocument, ""},
	} {
		for _, bypass := range []bool{false, true} { // which is of no help here
			t.Run(test.name, func(t *testing.T) {
				wantError(t, CheckPolicy(test.document, account, bypass), test.want, test.message)
			})
		}
	}
}

// TestLockout looks at one statement at a time, and at some beside the one that
// lets the root do everything.
func TestLockout(t *testing.T) {
	const root = `"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},`
	const all = `{` + root + `"Action":"kms:*","Resource":"*"}`
	for _, test := range []struct {
		statements string
		locks      bool
	}{
		{all, false},
		{`{` + root + `"Action":"kms:PutKeyPolicy","Resource":"*"}`, false},
		{`{` + root + `"Action":"KMS:putkeypolicy","Resource":"*"}`, false},
		{`{` + root + `"Action":"kms:Put*","Resource":"*"}`, false},
		{`{` + root + `"Action":"*","Resource":"*"}`, false},
		{`{` + root + `"Action":"kms:???KeyPolicy","Resource":"*"}`, false},
		{`{` + root + `"Action":["kms:Decrypt","kms:*Policy"],"Resource":["*"]}`, false},
		{`{` + root + `"NotAction":"kms:Decrypt","Resource":"*"}`, false},
		{`{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}`, false},
		{`{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:*","Resource":"*"}`, false},
		{`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}`, false},
		{`{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::999988887777:root","arn:aws:iam::111122223333:root"]},"Action":"kms:*","Resource":"*"}`, false},
		{`{"Effect":"Allow","NotPrincipal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"kms:*","Resource":"*"}`, false},

		{`{` + root + `"Action":"kms:Decrypt","Resource":"*"}`, true},
		{`{` + root + `"Action":"kms:GetKeyPolicy","Resource":"*"}`, true},
		{`{` + root + `"Action":"kms:PutKeyPolicyX","Resource":"*"}`, true},
		{`{` + root + `"Action":"kms:PutKeyPolic","Resource":"*"}`, true},
		{`{` + root + `"Action":"kms:????KeyPolicy","Resource":"*"}`, true},
		{`{` + root + `"Action":"s3:*","Resource":"*"}`, true},
		{`{` + root + `"Action":"","Resource":"*"}`, true},
		{`{` + root + `"Action":[],"Resource":"*"}`, true},
		{`{` + root + `"Resource":"*"}`, true},
		{`{` + root + `"Action":"kms:*"}`, true},
		{`{` + root + `"NotAction":["kms:Decrypt","kms:Put*"],"Resource":"*"}`, true},
		{`{` + root + `"Action":"kms:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`, true},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"kms:*","Resource":"*"}`, true},
		{`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/root"},"Action":"kms:*","Resource":"*"}`, true},
		{`{"Effect":"Allow","Principal":{"Service":"*"},"Action":"kms:*","Resource":"*"}`, true},
		{`{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}`, true},
		{`{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*"}`, true},

		{all + `,{"Effect":"Deny","Principal":"*","Action":"kms:Put*","Resource":"*"}`, true},
		{`{"Effect":"Deny","Principal":"*","NotAction":"kms:Decrypt","Resource":"*"},` + all, true},
		{all + `,{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:user/alice"},"Action":"*","Resource":"*"}`, true},
		{all + `,{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"*","Resource":"*"}`, false},
		{all + `,{"Effect":"Deny","Principal":{"AWS":"999988887777"},"Action":"*","Resource":"*"}`, false},
	} {
		document := `{"Version":"2012-10-17","Statement":[` + test.statements + `]}`
		err := CheckPolicy(document, account, false)
		if test.locks {
			wantError(t, err, KindMalformedPolicyDocument, "The new key policy will not allow you to update the key policy in the future.")
		}
		if !test.locks && err != nil || t.Failed() {
			t.Fatalf("%s: %v", test.statements, err)
		}
		if err := CheckPolicy(document, account, true); err != nil {
			t.Errorf("%s, although the check is bypassed: %v", test.statements, err)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, test := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"*", "", true}, {"**", "ab", true}, {"a*", "a", true}, {"*b", "aab", true}, {"a*b*c", "aXbXbc", true},
		{"?", "a", true}, {"?*", "a", true}, {"*a*a", "aaa", true}, {strings.Repeat("*a", 5000) + "*", strings.Repeat("a", 5000), true},
		{"", "a", false}, {"?", "", false}, {"a", "", false}, {"a", "ab", false}, {"a*b", "ac", false}, {"*?b", "b", false},
		{"[a]", "a", false}, {".", "a", false}, {strings.Repeat("*a", 30) + "b", strings.Repeat("a", 60), false},
	} {
		if got := matches(test.pattern, test.s); got != test.want {
			t.Errorf("%.20s on %.20s: %v", test.pattern, test.s, got)
		}
	}
}
