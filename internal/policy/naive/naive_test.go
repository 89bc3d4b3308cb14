package naive_test

import (
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/policy/naive"
)

const (
	ours   = "111111111111"
	theirs = "222222222222"
	keyARN = "arn:aws:kms:us-east-1:111111111111:key/k1"

	rootARN    = "arn:aws:iam::111111111111:root"
	aliceARN   = "arn:aws:iam::111111111111:user/alice"
	roleARN    = "arn:aws:iam::111111111111:role/path/worker"
	sessionARN = "arn:aws:sts::111111111111:assumed-role/worker/s1"
	oidcARN    = "arn:aws:iam::111111111111:oidc-provider/id.example"
)

// The answers to a request.
const (
	allowed = "allowed"
	denied  = "denied by a statement"
	none    = "allowed by nothing"
)

func answer(r policy.Request, t naive.Texts, grants ...key.Grant) string {
	ok, explicit := naive.Decide(r, t, grants)
	switch {
	case ok:
		return allowed
	case explicit:
		return denied
	}
	return none
}

var (
	root    = policy.Principal{Kind: policy.Account, Account: ours, ARN: rootARN}
	alice   = policy.Principal{Kind: policy.User, Account: ours, ARN: aliceARN}
	session = policy.Principal{Kind: policy.AssumedRole, Account: ours, ARN: sessionARN, RoleARN: roleARN}
	web     = policy.Principal{Kind: policy.WebIdentity, ARN: oidcARN}
	mallory = policy.Principal{Kind: policy.User, Account: theirs, ARN: "arn:aws:iam::222222222222:user/mallory"}
	outside = policy.Principal{Kind: policy.Account, Account: theirs, ARN: "arn:aws:iam::222222222222:root"}
)

type values map[string][]string

func (v values) Values(name string) []string { return v[name] }

// decrypt returns a request for kms:Decrypt with values of condition keys.
func decrypt(p policy.Principal, v values) policy.Request {
	return policy.Request{
		Principal: p, Action: "kms:Decrypt", Resource: keyARN, Owner: ours,
		Time: time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC), Values: v,
	}
}

// document returns a policy with the statements, which are given without braces.
func document(version string, statements ...string) string {
	return `{"Version":"` + version + `","Statement":[{` + strings.Join(statements, "},{") + `}]}`
}

func current(statements ...string) string { return document("2012-10-17", statements...) }

// allowTo returns a statement of a key policy that allows a principal everything.
func allowTo(principal string) string {
	if principal != "*" {
		principal = `{"AWS":"` + principal + `"}`
	} else {
		principal = `"*"`
	}
	return `"Effect":"Allow","Principal":` + principal + `,"Action":"kms:*","Resource":"*"`
}

// byARN returns a condition on alice's ARN.
func byARN(operator string) string {
	return `,"Condition":{"` + operator + `":{"aws:PrincipalArn":"` + aliceARN + `"}}`
}

const (
	allowAll     = `"Effect":"Allow","Action":"*","Resource":"*"`
	allowEncrypt = `"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"`
	denyDecrypt  = `"Effect":"Deny","Action":"kms:Decrypt","Resource":"*"`
	denyTo       = `"Effect":"Deny","Action":"kms:Decrypt","Resource":"*","Principal":`
)

func keyPolicy(statements ...string) naive.Texts {
	return naive.Texts{Resource: current(statements...), ResourceIs: "key"}
}

func identity(t naive.Texts, statements ...string) naive.Texts {
	t.Identity = append(t.Identity, current(statements...))
	return t
}

func boundary(t naive.Texts, statements ...string) naive.Texts {
	t.Boundary = current(statements...)
	return t
}

func sessionPolicy(t naive.Texts, statements ...string) naive.Texts {
	t.Session = append(t.Session, current(statements...))
	return t
}

// Which principals are allowed by which policies.
func TestSources(t *testing.T) {
	nothing := naive.Texts{}
	tests := []struct {
		name  string
		who   policy.Principal
		texts naive.Texts
		want  string
	}{
		{"key policy names the user", alice, keyPolicy(allowTo(aliceARN)), allowed},
		{"key policy names another", session, keyPolicy(allowTo(aliceARN)), none},
		{"key policy names the session", session, keyPolicy(allowTo(sessionARN)), allowed},
		{"key policy names the role", session, keyPolicy(allowTo(roleARN)), allowed},
		{"key policy names everybody", alice, keyPolicy(allowTo("*")), allowed},
		{"the account is its root", root, keyPolicy(allowTo(rootARN)), allowed},
		{"the account by its number", root, keyPolicy(allowTo(ours)), allowed},
		{"the account is not a user", alice, keyPolicy(allowTo(rootARN)), none},
		{"delegation", alice, identity(keyPolicy(allowTo(rootARN)), allowAll), allowed},
		{"delegation of another action", alice, identity(keyPolicy(allowTo(rootARN)), allowEncrypt), none},
		{"no delegation", alice, identity(keyPolicy(allowTo(roleARN)), allowAll), none},
		{"no implicit access of the root", root, keyPolicy(allowTo(aliceARN)), none},
		{"root has no identity policies", root, identity(keyPolicy(allowTo(rootARN)), denyDecrypt), allowed},
		{"root has no boundary", root, boundary(keyPolicy(allowTo(rootARN)), allowEncrypt), allowed},

		{"denied by the key policy", alice, keyPolicy(allowTo("*"), denyTo+`{"AWS":"`+aliceARN+`"}`), denied},
		{"denied to the account", alice, keyPolicy(allowTo("*"), denyTo+`{"AWS":"`+ours+`"}`), denied},
		{"denied to the role", session, keyPolicy(allowTo("*"), denyTo+`{"AWS":["`+roleARN+`"]}`), denied},
		{"denied by identity", alice, identity(keyPolicy(allowTo(aliceARN)), denyDecrypt), denied},
		{"denied by the boundary", alice, boundary(keyPolicy(allowTo(aliceARN)), denyDecrypt), denied},
		{"denied by the session", session, sessionPolicy(keyPolicy(allowTo(sessionARN)), denyDecrypt), denied},

		{"boundary limits identity", alice, boundary(identity(keyPolicy(allowTo(rootARN)), allowAll), allowEncrypt), none},
		{"boundary does not limit the user's ARN", alice, boundary(keyPolicy(allowTo(aliceARN)), allowEncrypt), allowed},
		{"boundary limits the role's ARN", session, boundary(keyPolicy(allowTo(roleARN)), allowEncrypt), none},
		{"boundary does not limit the session's ARN", session, boundary(keyPolicy(allowTo(sessionARN)), allowEncrypt), allowed},
		{"boundary limits everybody", alice, boundary(keyPolicy(allowTo("*")), allowEncrypt), none},
		{"boundary does not limit everybody with a condition on who", alice, boundary(keyPolicy(allowTo("*")+byARN("ArnEquals")), allowEncrypt), allowed},
		{"boundary limits everybody with a condition that others keep", alice, boundary(keyPolicy(allowTo("*")+byARN("ArnEqualsIfExists")), allowEncrypt), none},
		{"session policy limits identity", session, sessionPolicy(identity(keyPolicy(allowTo(rootARN)), allowAll), allowEncrypt), none},
		{"session policies are joined", session, sessionPolicy(sessionPolicy(keyPolicy(allowTo(roleARN)), allowEncrypt), allowAll), allowed},
		{"session policy does not limit the session's ARN", session, sessionPolicy(keyPolicy(allowTo(sessionARN)), allowEncrypt), allowed},

		{"outside, both sides", mallory, identity(keyPolicy(allowTo(theirs)), allowAll), allowed},
		{"outside, named, but not by identity", mallory, keyPolicy(allowTo(mallory.ARN)), none},
		{"outside, only by identity", mallory, identity(keyPolicy(allowTo(ours)), allowAll), none},
		{"outside, limited by the boundary", mallory, boundary(identity(keyPolicy(allowTo(mallory.ARN)), allowAll), allowEncrypt), none},
		{"outside root", outside, keyPolicy(allowTo(theirs)), allowed},

		{"no policy of the resource", alice, identity(nothing, allowAll), allowed},
		{"no policy of the resource, limited", alice, boundary(identity(nothing, allowAll), allowEncrypt), none},
		{"no policy at all", alice, nothing, none},
		{"no policy of the resource, root", root, nothing, allowed},
		{"no policy of the resource, outside", mallory, identity(nothing, allowAll), none},
		{"no policy of the resource, outside root", outside, nothing, none},

		{"not principal", alice, keyPolicy(allowTo("*"), `"Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":{"AWS":["`+aliceARN+`","`+rootARN+`"]}`), allowed},
		{"not principal, another", session, keyPolicy(allowTo("*"), `"Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":{"AWS":["`+aliceARN+`","`+rootARN+`"]}`), denied},
		{"not principal, without the account", alice, keyPolicy(allowTo("*"), `"Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":{"AWS":["`+aliceARN+`"]}`), denied},
		{"not principal, with a boundary", alice, boundary(keyPolicy(allowTo("*"), `"Effect":"Deny","Action":"*","Resource":"*","NotPrincipal":{"AWS":["`+aliceARN+`","`+rootARN+`"]}`), allowAll), denied},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := answer(decrypt(test.who, nil), test.texts); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// Elements of a statement that allows everybody some request.
func TestElements(t *testing.T) {
	tests := []struct {
		name     string
		elements string
		want     string
	}{
		{"action in another case", `"Action":"KMS:decrypt","Resource":"*"`, allowed},
		{"action with wildcards", `"Action":["kms:Enc*","kms:?ecrypt"],"Resource":"*"`, allowed},
		{"other action", `"Action":"kms:Decryp","Resource":"*"`, none},
		{"not action", `"NotAction":"kms:Encrypt","Resource":"*"`, allowed},
		{"not action, excluded", `"NotAction":["kms:De*"],"Resource":"*"`, none},
		{"no action", `"Resource":"*"`, none},
		{"no resource", `"Action":"kms:*"`, none},
		{"resource", `"Action":"*","Resource":"` + keyARN + `"`, allowed},
		{"resource in another case", `"Action":"*","Resource":"` + strings.ToUpper(keyARN) + `"`, none},
		{"resource with wildcards", `"Action":"*","Resource":"arn:aws:kms:us-*-1:*:key/?1"`, allowed},
		{"last wildcard of a segment", `"Action":"*","Resource":"arn:aws:kms:*:key/k1"`, allowed},
		{"wildcard within a segment", `"Action":"*","Resource":"arn:aws:kms:u*1:key/k1"`, none},
		{"not resource", `"Action":"*","NotResource":"arn:aws:kms:us-east-1:111111111111:key/k2"`, allowed},
		{"not resource, excluded", `"Action":"*","NotResource":"arn:aws:kms:*"`, none},
		{"variable in a resource", `"Action":"*","Resource":"arn:aws:kms:us-east-1:111111111111:key/${aws:PrincipalTag/key}"`, allowed},
		{"default", `"Action":"*","Resource":"arn:aws:kms:us-east-1:111111111111:key/${aws:PrincipalTag/none, 'k1'}"`, allowed},
		{"no value", `"Action":"*","Resource":"arn:aws:kms:us-east-1:111111111111:key/*${aws:PrincipalTag/none}"`, none},
		{"wildcard from a value", `"Action":"*","Resource":"arn:aws:kms:us-east-1:111111111111:key/${aws:PrincipalTag/star}"`, none},
	}
	request := decrypt(alice, values{"aws:principaltag/key": {"k1"}, "aws:principaltag/star": {"k*"}})
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := answer(request, keyPolicy(`"Effect":"Allow","Principal":{"AWS":"*"},`+test.elements)); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// Conditions of a statement. If they hold, an Allow allows and a Deny denies.
func TestConditions(t *testing.T) {
	request := decrypt(alice, values{
		"aws:username":                        {"alice"},
		"aws:sourceip":                        {"10.1.2.3"},
		"aws:securetransport":                 {"true"},
		"aws:tagkeys":                         {"a", "b"},
		"aws:sourcearn":                       {"arn:aws:s3:us-east-1:111111111111:bucket/x:y"},
		"aws:principaltag/star":               {"a*"},
		"aws:principaltag/five":               {"a*ice"},
		"aws:multifactorauthage":              {"90"},
		"kms:encryptioncontext:dept":          {"it"},
		"kms:rotationperiodindays":            {"many"},
		"id.example:aud":                      {"keyhold"},
		"kms:recipientattestation:pcr0":       {"YWI="},
		"aws:multifactorauthpresent":          {"no"},
		"kms:validto":                         {"2026-02-01T00:00:00+01:00"},
		"kms:scheduledkeydeletionpendingtypo": {"7"},
	})
	tests := []struct {
		condition string
		want      bool
	}{
		{`"StringEquals":{"AWS:UserName":"alice"}`, true},
		{`"stringequals":{"aws:username":["bob","alice"]}`, true},
		{`"StringEquals":{"aws:username":"Alice"}`, false},
		{`"StringEqualsIgnoreCase":{"aws:username":"ALICE"}`, true},
		{`"StringNotEquals":{"aws:username":["bob","alice"]}`, false},
		{`"StringNotEqualsIgnoreCase":{"aws:username":"Alice"}`, false},
		{`"StringEquals":{"aws:username":"alice"},"Bool":{"aws:SecureTransport":false}`, false},
		{`"StringEquals":{"aws:username":"alice","kms:CallerAccount":"222222222222"}`, false},
		{`"StringLike":{"aws:username":"a*c?"}`, true},
		{`"StringNotLike":{"aws:username":"a*"}`, false},
		{`"StringLike":{"aws:username":"${aws:PrincipalTag/five}"}`, false},
		{`"StringEquals":{"aws:PrincipalTag/star":"a${*}"}`, true},
		{`"StringEquals":{"aws:username":"${aws:PrincipalTag/none}"}`, false},
		{`"StringNotEquals":{"aws:username":"${aws:PrincipalTag/none}"}`, true},
		{`"StringNotEquals":{"aws:username":["${aws:PrincipalTag/none}","alice"]}`, false},
		{`"StringEquals":{"aws:username":"${aws:PrincipalTag/none, 'alice'}"}`, true},
		{`"StringEquals":{"aws:username":"${aws:TagKeys}"}`, false},
		{`"StringEquals":{"kms:EncryptionContext:DEPT":"it"}`, true},
		{`"StringEquals":{"kms:CallerAccount":"111111111111"}`, true},
		{`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"}`, true},
		{`"ArnLike":{"aws:SourceArn":"arn:aws:s3:*:y"}`, false},
		{`"StringLike":{"aws:SourceArn":"arn:aws:s3:*:y"}`, true},
		{`"ArnNotLike":{"aws:SourceArn":"arn:aws:s3:*:*:bucket/*"}`, false},
		{`"NumericLessThanEquals":{"aws:MultiFactorAuthAge":90.0}`, true},
		{`"NumericGreaterThan":{"aws:MultiFactorAuthAge":"89.9"}`, true},
		{`"NumericEquals":{"kms:RotationPeriodInDays":"90"}`, false},
		{`"NumericNotEquals":{"kms:RotationPeriodInDays":"90"}`, true},
		{`"DateLessThan":{"aws:CurrentTime":"2026-01-31T12:00:01Z"}`, true},
		{`"DateGreaterThanEquals":{"aws:CurrentTime":"2026-01-31"}`, true},
		{`"DateEquals":{"aws:EpochTime":"2026-01-31T13:00+01:00"}`, true},
		{`"DateEquals":{"kms:ValidTo":"2026-01-31T23:00:00Z"}`, true},
		{`"DateEquals":{"kms:ValidTo":"1769900400"}`, true},
		{`"DateGreaterThan":{"kms:ValidTo":1769900399.5}`, true},
		{`"DateEquals":{"kms:ValidTo":"soon"}`, false},
		{`"Bool":{"aws:SecureTransport":"true"}`, true},
		{`"Bool":{"aws:MultiFactorAuthPresent":"false"}`, false},
		{`"BinaryEquals":{"kms:RecipientAttestation:PCR0":"YWI="}`, true},
		{`"IpAddress":{"aws:SourceIp":["192.168.0.0/16","10.0.0.0/8"]}`, true},
		{`"IpAddress":{"aws:SourceIp":"10.1.2.3"}`, true},
		{`"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, false},
		{`"NotIpAddress":{"aws:SourceIp":"10.0.0.0/33"}`, true},
		{`"Null":{"aws:username":"false"}`, true},
		{`"Null":{"aws:userid":true}`, true},
		{`"StringEquals":{"aws:userid":"x"}`, false},
		{`"StringNotEquals":{"aws:userid":"x"}`, true},
		{`"StringEqualsIfExists":{"aws:userid":"x"}`, true},
		{`"StringEqualsIfExists":{"aws:username":"x"}`, false},
		{`"ForAllValues:StringEquals":{"aws:TagKeys":["a","b","c"]}`, true},
		{`"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}`, false},
		{`"ForAllValues:StringEquals":{"kms:GrantOperations":["a"]}`, true},
		{`"ForAnyValue:StringEquals":{"aws:TagKeys":["b"]}`, true},
		{`"ForAnyValue:StringEquals":{"kms:GrantOperations":["b"]}`, false},
		{`"ForAnyValue:StringNotEquals":{"kms:GrantOperations":["b"]}`, false},
		{`"ForAnyValue:StringNotEquals":{"aws:TagKeys":["b"]}`, true},
		{`"ForAnyValue:StringNotEquals":{"aws:TagKeys":["b","a"]}`, false},
		{`"ForAllValues:StringNotEquals":{"aws:TagKeys":["b"]}`, false},
		{`"ForAllValues:StringNotEquals":{"aws:TagKeys":["c"]}`, true},
		{`"StringEquals":{"id.example:aud":"keyhold"}`, true},
	}
	for _, test := range tests {
		t.Run(test.condition, func(t *testing.T) {
			statement := `"Principal":"*","Action":"*","Resource":"*","Condition":{` + test.condition + `}`
			if got := answer(request, keyPolicy(`"Effect":"Allow",`+statement)); (got == allowed) != test.want {
				t.Errorf("an Allow: %s", got)
			}
			if got := answer(request, keyPolicy(allowTo("*"), `"Effect":"Deny",`+statement)); (got == denied) != test.want {
				t.Errorf("a Deny: %s", got)
			}
		})
	}
}

// With unknown elements, or several values where one is expected, an Allow never matches and a Deny always
// does.
func TestUnknown(t *testing.T) {
	request := decrypt(alice, values{"aws:username": {"alice"}, "aws:nonsense": {"x"}, "aws:tagkeys": {"a", "b"}})
	for _, condition := range []string{
		`"StringEqual":{"aws:username":"alice"}`,
		`"NullIfExists":{"aws:username":"false"}`,
		`"NumericLike":{"aws:username":"1"}`,
		`"ForSomeValues:StringEquals":{"aws:username":"alice"}`,
		`"StringEquals":{"aws:nonsense":"x"}`,
		`"StringNotEquals":{"aws:principaltags":"x"}`,
		`"StringNotEquals":{"id.example:aud":"x"}`,
		`"StringNotEquals":{"kms:EncryptionContext":"x"}`,
		`"Null":{"aws:PrincipalTag/":"true"}`,
		`"StringNotEquals":{"aws:TagKeys":"c"}`,
	} {
		statement := `"Principal":"*","Action":"*","Resource":"*","Condition":{` + condition + `}`
		if got := answer(request, keyPolicy(`"Effect":"Allow",`+statement)); got != none {
			t.Errorf("%s in an Allow: %s", condition, got)
		}
		if got := answer(request, keyPolicy(allowTo("*"), `"Effect":"Deny",`+statement)); got != denied {
			t.Errorf("%s in a Deny: %s", condition, got)
		}
	}
}

// In the older version of the language, "${" is literal text.
func TestVersion(t *testing.T) {
	request := decrypt(alice, values{"aws:username": {"alice"}, "aws:referer": {"${aws:username}"}})
	statement := `"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:Referer":"${aws:username}"}}`
	for text, want := range map[string]string{
		current(statement):                  none,
		document("2008-10-17", statement):   allowed,
		`{"Statement":{` + statement + `}}`: allowed,
	} {
		if got := answer(request, naive.Texts{Resource: text, ResourceIs: "key"}); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestTrustPolicy(t *testing.T) {
	const federated = `"Effect":"Allow","Principal":{"Federated":"` + oidcARN + `"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"id.example:aud":"keyhold"}}`
	trust := func(statement string) naive.Texts {
		return naive.Texts{Resource: current(statement), ResourceIs: "trust"}
	}
	request := func(p policy.Principal, action, audience string) policy.Request {
		return policy.Request{Principal: p, Action: action, Resource: roleARN, Owner: ours, Values: values{"id.example:aud": {audience}}}
	}
	tests := []struct {
		name    string
		request policy.Request
		texts   naive.Texts
		want    string
	}{
		{"token", request(web, "sts:AssumeRoleWithWebIdentity", "keyhold"), trust(federated), allowed},
		{"token for another", request(web, "sts:AssumeRoleWithWebIdentity", "other"), trust(federated), none},
		{"a user has no token", request(alice, "sts:AssumeRoleWithWebIdentity", "keyhold"), trust(federated), none},
		{"everybody", request(web, "sts:AssumeRole", ""), trust(`"Effect":"Allow","Principal":"*","Action":"sts:*"`), allowed},
		{"not an ARN of the kind AWS", request(web, "sts:AssumeRole", ""), trust(`"Effect":"Allow","Principal":{"AWS":"` + oidcARN + `"},"Action":"sts:*"`), none},
		{"user", request(alice, "sts:AssumeRole", ""), trust(`"Effect":"Allow","Principal":{"AWS":"` + aliceARN + `"},"Action":"sts:*"`), allowed},
		{"account", request(alice, "sts:AssumeRole", ""), identity(trust(`"Effect":"Allow","Principal":{"AWS":"`+ours+`"},"Action":"sts:*"`), allowAll), allowed},
		{"no policy", request(web, "sts:AssumeRole", ""), naive.Texts{}, none},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := answer(test.request, test.texts); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}
