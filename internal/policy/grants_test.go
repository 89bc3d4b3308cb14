package policy

import (
	"testing"

	"github.com/keyhold/keyhold/internal/key"
)

// newGrant returns a grant for Decrypt, Encrypt, CreateGrant, RetireGrant and DescribeKey.
func newGrant(to key.Principal, c key.GrantConstraints) key.Grant {
	return key.Grant{ID: "g", Grantee: to, Operations: []string{"Decrypt", "Encrypt", "CreateGrant", "RetireGrant", "DescribeKey"}, Constraints: c}
}

func TestGrantees(t *testing.T) {
	for _, test := range []struct {
		grantee            key.Principal
		who                Principal
		identity, boundary string
		want               string
	}{
		{aliceARN, alice, "", "", "yes"},
		{aliceARN, alice, "", others, "yes"},
		{aliceARN, alice, neverUse, "", "deny identity-based policy"},
		{aliceARN, session, "", "", "resource-based policy"},
		{sessionARN, session, "", others, "yes"},
		{roleARN, session, "", "", "yes"},
		{roleARN, session, "", others, "permissions boundary"},
		{rootARN, root, "", "", "yes"},
		{rootARN, alice, use, "", "yes"},
		{rootARN, alice, "", "", "identity-based policy"},
		{rootARN, alice, use, others, "permissions boundary"},
		{"logs.amazonaws.com", alice, use, "", "resource-based policy"},
		{bobARN, bob, use, "", "yes"},
		{bobARN, bob, "", "", "identity-based policy"},
		{bobARN, bob, use, others, "permissions boundary"},
		{abroadARN, bob, use, "", "yes"},
		{abroadARN, abroadRoot, "", "", "yes"},
		{bobARN, abroadRoot, "", "", "resource-based policy"},
	} {
		d := Documents{
			Resource: keyPolicy(t, `"Effect":"Allow","Principal":{"AWS":"222222222222"},"Action":"*","Resource":"*"`),
			Identity: list(optional(t, test.identity, IdentityPolicy)),
			Boundary: optional(t, test.boundary, IdentityPolicy),
		}
		if got := describe(decideBoth(t, ask(test.who, "kms:Decrypt"), d, newGrant(test.grantee, key.GrantConstraints{}))); got != test.want {
			t.Errorf("%s for %s: %s, want %s", test.grantee, test.who.ARN, got, test.want)
		}
		d.Resource = Document{}
		if test.identity == "" && test.who.Kind != Account && decideBoth(t, ask(test.who, "kms:Decrypt"), d, newGrant(test.grantee, key.GrantConstraints{})).Allowed {
			t.Errorf("%s for %s: allowed, although there is no policy", test.grantee, test.who.ARN)
		}
	}
}

func TestGrantConstraints(t *testing.T) {
	type pairs = map[string]string
	for _, test := range []struct {
		name        string
		constraints key.GrantConstraints
		action      string
		context     pairs // nil if the operation has no encryption context
		source      string
		want        bool
	}{
		{"none", key.GrantConstraints{}, "kms:Decrypt", pairs{"a": "1"}, "", true},
		{"another operation", key.GrantConstraints{}, "kms:ReEncryptFrom", pairs{}, "", false},
		{"equal", key.GrantConstraints{ContextEquals: pairs{"a": "1"}}, "kms:Decrypt", pairs{"a": "1"}, "", true},
		{"a pair more", key.GrantConstraints{ContextEquals: pairs{"a": "1"}}, "kms:Decrypt", pairs{"a": "1", "b": "2"}, "", false},
		{"a value in another case", key.GrantConstraints{ContextEquals: pairs{"a": "x"}}, "kms:Decrypt", pairs{"a": "X"}, "", false},
		{"a name in another case", key.GrantConstraints{ContextEquals: pairs{"Ä": "x", "b": ""}}, "kms:Decrypt", pairs{"ä": "x", "B": ""}, "", true},
		{"part in another case", key.GrantConstraints{ContextSubset: pairs{"A": "1"}}, "kms:Decrypt", pairs{"a": "1", "b": "2"}, "", true},
		{"names that differ by case alone", key.GrantConstraints{ContextSubset: pairs{"b": "2"}}, "kms:Decrypt", pairs{"a": "1", "A": "1", "b": "2"}, "", false},
		{"a constraint whose names differ by case alone", key.GrantConstraints{ContextEquals: pairs{"a": "1", "A": "2"}}, "kms:Decrypt", pairs{"a": "1", "A": "2"}, "", false},
		{"equal to nothing", key.GrantConstraints{ContextEquals: pairs{}}, "kms:Decrypt", pairs{}, "", true},
		{"not equal to nothing", key.GrantConstraints{ContextEquals: pairs{}}, "kms:Decrypt", pairs{"a": "1"}, "", false},
		{"part", key.GrantConstraints{ContextSubset: pairs{"a": "1"}}, "kms:Decrypt", pairs{"a": "1", "b": "2"}, "", true},
		{"not part", key.GrantConstraints{ContextSubset: pairs{"a": "1", "b": ""}}, "kms:Decrypt", pairs{"a": "1"}, "", false},
		{"both", key.GrantConstraints{ContextEquals: pairs{"a": "1"}, ContextSubset: pairs{"b": "2"}}, "kms:Decrypt", pairs{"a": "1"}, "", false},
		{"DescribeKey", key.GrantConstraints{ContextEquals: pairs{"a": "1"}}, "kms:DescribeKey", nil, "", true},
		{"source", key.GrantConstraints{SourceARN: "arn:aws:s3:::b"}, "kms:DescribeKey", nil, "arn:aws:s3:::b", true},
		{"no source", key.GrantConstraints{SourceARN: "arn:aws:s3:::b"}, "kms:Decrypt", pairs{}, "", false},
		{"another source", key.GrantConstraints{SourceARN: "arn:aws:s3:::b"}, "kms:Decrypt", pairs{}, "arn:aws:s3:::c", false},
		{"like the source", key.GrantConstraints{SourceARN: "arn:aws:s3:::b*"}, "kms:Decrypt", pairs{}, "arn:aws:s3:::bucket", true},
		{"the same, but no ARN", key.GrantConstraints{SourceARN: "bucket"}, "kms:Decrypt", pairs{}, "bucket", false},
		{"RetireGrant", key.GrantConstraints{SourceARN: "arn:aws:s3:::b"}, "kms:RetireGrant", nil, "", true},
	} {
		r := ask(alice, test.action)
		r.EncryptionContext, r.HasContext = test.context, test.context != nil
		if test.source != "" {
			r.Values = values{"aws:sourcearn": {test.source}}
		}
		d := Documents{Resource: keyPolicy(t, toBob)}
		if got := decideBoth(t, r, d, newGrant(aliceARN, test.constraints)); got.Allowed != test.want {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}

func TestChildGrants(t *testing.T) {
	type pairs = map[string]string
	a, ab := pairs{"a": "1"}, pairs{"a": "1", "b": "2"}
	for _, test := range []struct {
		name          string
		parent, child key.GrantConstraints
		want          bool
	}{
		{"none", key.GrantConstraints{}, key.GrantConstraints{}, true},
		{"stricter", key.GrantConstraints{}, key.GrantConstraints{ContextEquals: a}, true},
		{"looser", key.GrantConstraints{ContextEquals: a}, key.GrantConstraints{}, false},
		{"equal and equal", key.GrantConstraints{ContextEquals: a}, key.GrantConstraints{ContextEquals: a}, true},
		{"equal and more", key.GrantConstraints{ContextEquals: a}, key.GrantConstraints{ContextEquals: ab}, false},
		{"equal and part", key.GrantConstraints{ContextEquals: a}, key.GrantConstraints{ContextSubset: a}, false},
		{"nothing and none", key.GrantConstraints{ContextEquals: pairs{}}, key.GrantConstraints{}, false},
		{"part and part", key.GrantConstraints{ContextSubset: a}, key.GrantConstraints{ContextSubset: ab}, true},
		{"part and less", key.GrantConstraints{ContextSubset: ab}, key.GrantConstraints{ContextSubset: a}, false},
		{"part and equal", key.GrantConstraints{ContextSubset: a}, key.GrantConstraints{ContextEquals: ab}, true},
		{"part and none", key.GrantConstraints{ContextSubset: a}, key.GrantConstraints{}, false},
		{"source and none", key.GrantConstraints{SourceARN: "arn:aws:s3:::b"}, key.GrantConstraints{}, false},
		{"source and source", key.GrantConstraints{SourceARN: "arn:aws:s3:::b"}, key.GrantConstraints{SourceARN: "arn:aws:s3:::b"}, true},
		{"source and another", key.GrantConstraints{SourceARN: "arn:aws:s3:::b"}, key.GrantConstraints{SourceARN: "arn:aws:s3:::c"}, false},
	} {
		child := key.Grant{Operations: []string{"Decrypt"}, Constraints: test.child}
		r := ask(alice, "kms:CreateGrant")
		r.Child, r.Values = &child, values{"aws:sourcearn": {"arn:aws:s3:::b"}}
		d := Documents{Resource: keyPolicy(t, toBob)}
		if got := decideBoth(t, r, d, newGrant(aliceARN, test.parent)); got.Allowed != test.want {
			t.Errorf("%s: %+v", test.name, got)
		}
		child.Operations = []string{"Decrypt", "GenerateDataKey"}
		if decideBoth(t, r, d, newGrant(aliceARN, test.parent)).Allowed {
			t.Errorf("%s: a child with an operation more", test.name)
		}
		r.Child = nil
		if decideBoth(t, r, d, newGrant(aliceARN, test.parent)).Allowed {
			t.Errorf("%s: without a child", test.name)
		}
	}
}
