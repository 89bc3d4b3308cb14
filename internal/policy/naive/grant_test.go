package naive_test

import (
	"testing"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/policy/naive"
)

type pairs = map[string]string

func grantTo(grantee string, c key.GrantConstraints, operations ...string) key.Grant {
	return key.Grant{Grantee: key.Principal(grantee), Operations: operations, Constraints: c}
}

func TestGrants(t *testing.T) {
	nobody := keyPolicy(allowTo(outside.ARN))
	free := key.GrantConstraints{}
	tests := []struct {
		name  string
		who   policy.Principal
		texts naive.Texts
		grant key.Grant
		want  string
	}{
		{"user", alice, nobody, grantTo(aliceARN, free, "Decrypt"), allowed},
		{"other operation", alice, nobody, grantTo(aliceARN, free, "Encrypt"), none},
		{"other grantee", session, nobody, grantTo(aliceARN, free, "Decrypt"), none},
		{"user with a boundary", alice, boundary(nobody, allowEncrypt), grantTo(aliceARN, free, "Decrypt"), allowed},
		{"session", session, nobody, grantTo(sessionARN, free, "Decrypt"), allowed},
		{"role", session, nobody, grantTo(roleARN, free, "Decrypt"), allowed},
		{"role with a boundary", session, boundary(nobody, allowEncrypt), grantTo(roleARN, free, "Decrypt"), none},
		{"root", root, nobody, grantTo(rootARN, free, "Decrypt"), allowed},
		{"account", alice, nobody, grantTo(rootARN, free, "Decrypt"), none},
		{"account and identity", alice, identity(nobody, allowAll), grantTo(rootARN, free, "Decrypt"), allowed},
		{"outside", mallory, nobody, grantTo(mallory.ARN, free, "Decrypt"), none},
		{"outside and identity", mallory, identity(nobody, allowAll), grantTo(mallory.ARN, free, "Decrypt"), allowed},
		{"denied", alice, identity(nobody, denyDecrypt), grantTo(aliceARN, free, "Decrypt"), denied},
		{"no key policy", alice, naive.Texts{}, grantTo(aliceARN, free, "Decrypt"), none},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := answer(decrypt(test.who, nil), test.texts, test.grant); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestConstraints(t *testing.T) {
	const source = "arn:aws:s3:::bucket"
	tests := []struct {
		name        string
		constraints key.GrantConstraints
		context     pairs
		want        bool
	}{
		{"none", key.GrantConstraints{}, pairs{"a": "1"}, true},
		{"equal", key.GrantConstraints{ContextEquals: pairs{"a": "1"}}, pairs{"a": "1"}, true},
		{"more than equal", key.GrantConstraints{ContextEquals: pairs{"a": "1"}}, pairs{"a": "1", "b": "2"}, false},
		{"equal but for the case of names", key.GrantConstraints{ContextEquals: pairs{"A": "1"}}, pairs{"a": "1"}, true},
		{"equal but for the case of values", key.GrantConstraints{ContextEquals: pairs{"a": "x"}}, pairs{"a": "X"}, false},
		{"names that differ by case alone", key.GrantConstraints{ContextSubset: pairs{"a": "1"}}, pairs{"a": "1", "A": "1"}, false},
		{"empty", key.GrantConstraints{ContextEquals: pairs{}}, nil, true},
		{"more than empty", key.GrantConstraints{ContextEquals: pairs{}}, pairs{"a": "1"}, false},
		{"subset", key.GrantConstraints{ContextSubset: pairs{"a": "1"}}, pairs{"a": "1", "b": "2"}, true},
		{"no subset", key.GrantConstraints{ContextSubset: pairs{"a": "1"}}, pairs{"a": "2"}, false},
		{"source", key.GrantConstraints{SourceARN: source}, nil, true},
		{"other source", key.GrantConstraints{SourceARN: source + "2"}, nil, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := decrypt(alice, values{"aws:sourcearn": {source}})
			r.EncryptionContext, r.HasContext = test.context, true
			got := answer(r, keyPolicy(allowTo(outside.ARN)), grantTo(aliceARN, test.constraints, "Decrypt"))
			if (got == allowed) != test.want {
				t.Errorf("%s", got)
			}
		})
	}
}

// Constraints that do not apply to an operation.
func TestUnconstrained(t *testing.T) {
	context := key.GrantConstraints{ContextEquals: pairs{"a": "1"}}
	source := key.GrantConstraints{SourceARN: "arn:aws:s3:::bucket"}
	tests := []struct {
		action      string
		constraints key.GrantConstraints
		want        string
	}{
		{"kms:DescribeKey", context, allowed},
		{"kms:RetireGrant", context, allowed},
		{"kms:DescribeKey", source, none},
		{"kms:RetireGrant", source, allowed},
	}
	for _, test := range tests {
		r := decrypt(alice, nil)
		r.Action = test.action
		got := answer(r, keyPolicy(allowTo(outside.ARN)), grantTo(aliceARN, test.constraints, "DescribeKey", "RetireGrant"))
		if got != test.want {
			t.Errorf("%s with %+v: %s, want %s", test.action, test.constraints, got, test.want)
		}
	}
}

func TestChildGrants(t *testing.T) {
	free := key.GrantConstraints{}
	equals := key.GrantConstraints{ContextEquals: pairs{"a": "1", "b": "2"}}
	subset := key.GrantConstraints{ContextSubset: pairs{"a": "1"}}
	source := key.GrantConstraints{SourceARN: "arn:aws:s3:::bucket"}
	tests := []struct {
		name          string
		parent, child key.Grant
		want          bool
	}{
		{"the same", grantTo(aliceARN, free, "CreateGrant", "Decrypt"), grantTo(roleARN, free, "Decrypt", "CreateGrant"), true},
		{"more operations", grantTo(aliceARN, free, "CreateGrant", "Decrypt"), grantTo(roleARN, free, "Decrypt", "Encrypt"), false},
		{"more constraints", grantTo(aliceARN, free, "CreateGrant"), grantTo(roleARN, equals, "CreateGrant"), true},
		{"fewer constraints", grantTo(aliceARN, equals, "CreateGrant"), grantTo(roleARN, free, "CreateGrant"), false},
		{"looser constraint", grantTo(aliceARN, equals, "CreateGrant"), grantTo(roleARN, subset, "CreateGrant"), false},
		{"equals for subset", grantTo(aliceARN, subset, "CreateGrant"), grantTo(roleARN, equals, "CreateGrant"), true},
		{"larger subset", grantTo(aliceARN, subset, "CreateGrant"), grantTo(roleARN, key.GrantConstraints{ContextSubset: pairs{"a": "1", "b": "3"}}, "CreateGrant"), true},
		{"other subset", grantTo(aliceARN, subset, "CreateGrant"), grantTo(roleARN, key.GrantConstraints{ContextSubset: pairs{"a": "2"}}, "CreateGrant"), false},
		{"empty is a constraint", grantTo(aliceARN, key.GrantConstraints{ContextEquals: pairs{}}, "CreateGrant"), grantTo(roleARN, free, "CreateGrant"), false},
		{"same source", grantTo(aliceARN, source, "CreateGrant"), grantTo(roleARN, source, "CreateGrant"), true},
		{"no source", grantTo(aliceARN, source, "CreateGrant"), grantTo(roleARN, free, "CreateGrant"), false},
		{"parent cannot create", grantTo(aliceARN, free, "Decrypt"), grantTo(roleARN, free, "Decrypt"), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := decrypt(alice, values{"aws:sourcearn": {"arn:aws:s3:::bucket"}})
			r.Action, r.Child = "kms:CreateGrant", &test.child
			got := answer(r, keyPolicy(allowTo(outside.ARN)), test.parent)
			if (got == allowed) != test.want {
				t.Errorf("%s", got)
			}
		})
	}
}
