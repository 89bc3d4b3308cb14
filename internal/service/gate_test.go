package service

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// A key policy allows and denies principals that have no policies of their own.
func TestKeyPolicyAllowsDirectly(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice")
	c.user("bob")
	c.role("app")
	k := c.key("allow alice kms:DescribeKey", "allow role/app kms:Encrypt", "allow arn:aws:sts::111122223333:assumed-role/app/build-7 kms:Decrypt")
	c.as("alice").may("DescribeKey", k)
	c.as("alice").mayNot("Encrypt", k)
	c.as("bob").mayNot("DescribeKey", k)
	c.as("role/app").may("Encrypt", k)
	c.as("role/app").may("Decrypt", k, ciphertext(c.blob(k)))
	c.session("app", func(s *identity.Session) { s.Name = "other" }).mayNot("Decrypt", k, ciphertext(c.blob(k)))
	c.root().mayNot("DescribeKey", k) // the root has no permissions besides the key policy
}

// Policies of users apply to permissions that the key policy delegates to the account.
func TestKeyPolicyDelegates(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice", with(c.identity("allow kms:*")))
	c.user("bob")
	delegated, partly, not := c.key("allow home kms:*"), c.key("allow home kms:DescribeKey"), c.key("allow bob kms:*")
	c.as("alice").may("Encrypt", delegated)
	c.as("bob").mayNot("Encrypt", delegated)
	c.root().may("Encrypt", delegated)
	c.as("alice").may("DescribeKey", partly)
	c.as("alice").mayNot("Encrypt", partly)
	c.as("alice").mayNot("DescribeKey", not)
	c.as("bob").may("DescribeKey", not)
	if text := c.key("allow everybody kms:DescribeKey"); true {
		c.as("bob").may("DescribeKey", text)
		c.as("other").may("DescribeKey", text)
	}
}

// Operations without a particular key are decided by the policies of users alone.
func TestActionsWithoutKey(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice")
	for _, operation := range []string{"CreateKey", "ListKeys", "ListAliases", "GenerateRandom", "ListRetirableGrants", "RecreateKey"} {
		service := "kms:"
		if operation == "RecreateKey" {
			service = "keyhold:"
		}
		c.user("bob", with(c.identity("allow "+service+operation)))
		c.as("alice").mayNot(operation, "")
		c.as("bob").may(operation, "")
		c.root().may(operation, "", map[bool]string{true: `{"KeyId":"1234abcd-12ab-34cd-56ef-1234567890ac"}`, false: `{}`}[operation == "RecreateKey"])
	}
}

// An explicit Deny in any policy decides.
func TestExplicitDenials(t *testing.T) {
	for name, c := range map[string]struct {
		keyPolicy  string
		of         []string // the user's policies
		boundary   []string
		ofSession  []string
		allowed    bool
		saidToHave string
	}{
		"nowhere":                 {"allow home kms:*", []string{"allow kms:*"}, []string{"allow kms:*"}, []string{"allow kms:*"}, true, ""},
		"in the key policy":       {"deny home kms:Encrypt", []string{"allow kms:*"}, []string{"allow kms:*"}, []string{"allow kms:*"}, false, "because no resource-based policy allows"},
		"in a policy of the role": {"allow home kms:*", []string{"allow kms:*", "deny kms:Enc*"}, []string{"allow kms:*"}, []string{"allow kms:*"}, false, "with an explicit deny in an identity-based policy"},
		"in the boundary":         {"allow home kms:*", []string{"allow kms:*"}, []string{"allow kms:*", "deny kms:Encrypt"}, []string{"allow kms:*"}, false, "with an explicit deny in a permissions boundary"},
		"in the session policy":   {"allow home kms:*", []string{"allow kms:*"}, []string{"allow kms:*"}, []string{"allow kms:*", "deny kms:Encrypt"}, false, "with an explicit deny in a session policy"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newAccessTest(t)
			p.role("app", with(p.identity(c.of...)), p.boundary(c.boundary...))
			k := p.key("allow home kms:*", c.keyPolicy)
			app := p.session("app", sessionPolicy(p.identity(c.ofSession...)))
			app.may("DescribeKey", k)
			app.is(c.allowed, "Encrypt", k)
			if !c.allowed {
				if _, text := app.refusal("Encrypt", k); !strings.HasSuffix(text, c.saidToHave+" the kms:Encrypt action") && !strings.HasSuffix(text, c.saidToHave) {
					t.Error(text)
				}
			}
		})
	}
}

// A boundary limits the permissions of policies, but not permissions that a key policy gives to
// the user's own ARN.
func TestBoundaries(t *testing.T) {
	c := newAccessTest(t)
	all := with(c.identity("allow kms:*"))
	c.user("alice", all, c.boundary("allow kms:Describe*"))
	c.role("app", all, c.boundary("allow kms:Describe*"))
	k := c.key("allow home kms:*")
	for _, name := range []string{"alice", "role/app"} {
		c.as(name).may("DescribeKey", k)
		c.as(name).mayNot("Encrypt", k)
		c.as(name).mayNot("CreateKey", "")
	}
	direct := c.key("allow alice kms:Encrypt", "allow role/app kms:Encrypt", "allow everybody kms:GenerateDataKey")
	c.as("alice").may("Encrypt", direct)
	c.as("role/app").mayNot("Encrypt", direct)
	c.as("alice").mayNot("GenerateDataKey", direct)
	c.user("carol", all, func(e *identity.Entity) { e.Boundary = "arn:aws:iam::111122223333:policy/removed" })
	if _, err := c.as("carol").try("DescribeKey", k); err == nil {
		t.Error("a boundary that is not there is none")
	}
}

// Session policies limit all permissions except those that a key policy gives to the session's
// own ARN.
func TestSessionPolicies(t *testing.T) {
	c := newAccessTest(t)
	c.role("app", with(c.identity("allow kms:*")))
	k := c.key("allow home kms:*", "allow role/app kms:Sign")
	session := c.session("app", sessionPolicy(c.identity("allow kms:Describe*")))
	session.may("DescribeKey", k)
	session.mayNot("Encrypt", k)
	session.mayNot("Sign", k)
	session.mayNot("CreateKey", "")
	c.as("role/app").may("Encrypt", k)
	arn := c.managedPolicy("read", c.identity("allow kms:Describe*"))
	managed := c.session("app", func(s *identity.Session) { s.PolicyARNs = []string{arn} })
	managed.may("DescribeKey", k)
	managed.mayNot("Encrypt", k)
	both := c.session("app", func(s *identity.Session) {
		s.PolicyARNs, s.Policies = []string{arn}, []string{c.identity("allow kms:Encrypt")}
	})
	both.may("Encrypt", k)
	both.may("DescribeKey", k)
	both.mayNot("GenerateDataKey", k)
	c.policy(k, c.document(true, "allow arn:aws:sts::111122223333:assumed-role/app/build-7 kms:Encrypt"))
	session.may("Encrypt", k)
}

// For a key of another account, both sides must allow the request.
func TestOtherAccounts(t *testing.T) {
	c := newAccessTest(t)
	c.user("other/zoe", with(c.identity("allow kms:*")))
	c.user("other/yan")
	none, account, person := c.key("allow home kms:*"), c.key("allow other kms:*"), c.key("allow other/yan kms:*", "allow other/zoe kms:Encrypt")
	for _, k := range []string{none, account, person} {
		c.as("other/zoe").is(k != none, "Encrypt", k)
		c.as("other/yan").mayNot("Encrypt", k)
		c.as("other").is(k == account, "Encrypt", k)
	}
	if kind, _ := c.as("other/zoe").refusal("Encrypt", idOf(account)); kind != key.KindNotFound {
		t.Error("an ID alone names a key of another account")
	}
}

// Principals of another account can use a key, but not administer it. Source: "Allowing users in
// other accounts to use a KMS key".
func TestOtherAccountsDoNotAdminister(t *testing.T) {
	c := newAccessTest(t)
	c.user("other/zoe", with(c.identity("allow kms:*")))
	k := c.key("allow everybody kms:*", "allow other/zoe kms:*", "allow other kms:*")
	c.root().does("CreateAlias", k, `{"AliasName":"alias/old"}`)
	effective := strings.Fields(`Decrypt Encrypt GenerateDataKey GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext
		GenerateMac VerifyMac ReEncrypt Sign Verify DeriveSharedSecret Encapsulate Decapsulate
		CreateGrant DescribeKey GetKeyRotationStatus GetPublicKey ListGrants RevokeGrant`)
	id, _ := c.root().grants(k, "home", "Decrypt")
	special := map[string]string{"Decrypt": ciphertext(c.blob(k)), "ReEncrypt": ciphertext(c.blob(k)), "RevokeGrant": `{"GrantId":"` + id + `","DryRun":true}`}
	for line := range strings.Lines(requests) {
		operation, request, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.Contains(request, "KEY") && special[operation] == "" {
			continue
		}
		for _, who := range []string{"other", "other/zoe"} {
			c.as(who).is(slices.Contains(effective, operation), operation, k, cmp.Or(special[operation], `{}`))
		}
	}
}

// The policy of a key decides for every alias of the key.
func TestAliasesAreConditions(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice")
	c.user("bob", with(c.identity("allow kms:Encrypt if ForAnyValue:StringLike kms:ResourceAliases alias/app-*")))
	k := c.key("allow home kms:*", "allow alice kms:Encrypt if StringEquals kms:RequestAlias alias/app-1")
	plain := c.key("allow home kms:*")
	for _, name := range []string{"alias/app-1", "alias/x"} {
		c.root().does("CreateAlias", k, `{"AliasName":"`+name+`"}`)
	}
	c.as("alice").may("Encrypt", "alias/app-1")
	c.as("alice").may("Encrypt", "arn:aws:kms:eu-west-2:111122223333:alias/app-1")
	c.as("alice").mayNot("Encrypt", "alias/x")
	c.as("alice").mayNot("Encrypt", k)
	c.as("bob").may("Encrypt", k)
	c.as("bob").may("Encrypt", "alias/x")
	c.as("bob").mayNot("Encrypt", plain)
	c.root().does("DeleteAlias", "", `{"AliasName":"alias/app-1"}`)
	c.as("bob").mayNot("Encrypt", k)
}

// A change of an alias requires permission on the alias and on each key.
func TestAliasesHaveTwoSides(t *testing.T) {
	const alias = "arn:aws:kms:eu-west-2:111122223333:alias/a"
	for name, test := range map[string]struct {
		alias, old, new bool
	}{
		"all": {true, true, true}, "no alias": {false, true, true}, "no old key": {true, false, true}, "no new key": {true, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newAccessTest(t)
			old, next := c.key("allow home kms:*"), c.key("allow home kms:*")
			lines := []string{"allow kms:DescribeKey"}
			for on, allowed := range map[string]bool{alias: test.alias, old: test.old, next: test.new} {
				if allowed {
					lines = append(lines, "allow kms:CreateAlias,kms:UpdateAlias,kms:DeleteAlias on "+on)
				}
			}
			c.user("alice", with(c.identity(lines...)))
			c.as("alice").is(test.alias && test.new, "CreateAlias", next, `{"AliasName":"alias/a"}`)
			c.root().try("DeleteAlias", "", `{"AliasName":"alias/a"}`)
			c.root().does("CreateAlias", old, `{"AliasName":"alias/a"}`)
			c.as("alice").is(test.alias && test.old && test.new, "UpdateAlias", next, `{"AliasName":"alias/a"}`)
			c.as("alice").is(test.alias && test.old, "DeleteAlias", "", `{"AliasName":"alias/a"}`)
		})
	}
}

// A new key with tags requires kms:TagResource.
func TestTagsAtCreation(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice", with(c.identity("allow kms:CreateKey")))
	c.user("bob", with(c.identity("allow kms:CreateKey", "allow kms:TagResource if StringEquals aws:RequestTag/team red")))
	tagged := func(value string) string { return `{"Tags":[{"TagKey":"team","TagValue":"` + value + `"}]}` }
	c.as("alice").may("CreateKey", "")
	c.as("alice").mayNot("CreateKey", "", tagged("red"))
	c.as("bob").may("CreateKey", "", tagged("red"))
	c.as("bob").mayNot("CreateKey", "", tagged("blue"))
}

func TestReEncryptHasTwoSides(t *testing.T) {
	c := newAccessTest(t)
	from, to := c.key("allow home kms:*"), c.key("allow home kms:*")
	blob := ciphertext(c.blob(from))
	for name, lines := range map[string][]string{
		"both":  {"allow kms:ReEncryptFrom on " + from, "allow kms:ReEncryptTo on " + to},
		"from":  {"allow kms:ReEncryptFrom on " + from},
		"to":    {"allow kms:ReEncryptTo on " + to},
		"wrong": {"allow kms:ReEncryptFrom on " + to, "allow kms:ReEncryptTo on " + from},
		"name":  {"allow kms:ReEncrypt"},
		"all":   {"allow kms:ReEncrypt*"},
	} {
		c.user(name, with(c.identity(lines...)))
		c.as(name).is(name == "both" || name == "all", "ReEncrypt", to, blob)
	}
}

// Only the grantee can use a grant, with or without the token.
func TestGrants(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice")
	c.user("bob")
	c.user("carol", with(c.identity("allow kms:Encrypt")))
	c.role("app")
	k := c.key("allow home kms:CreateGrant,kms:RevokeGrant")
	id, token := c.root().grants(k, "alice", "Encrypt,DescribeKey")
	c.as("alice").may("Encrypt", k)
	c.as("alice").may("Encrypt", k, withGrantToken(token))
	c.as("alice").mayNot("GenerateDataKey", k, withGrantToken(token))
	c.as("bob").mayNot("Encrypt", k)
	c.as("bob").mayNot("Encrypt", k, withGrantToken(token))
	c.root().does("RevokeGrant", k, `{"GrantId":"`+id+`"}`)
	c.as("alice").mayNot("Encrypt", k)
	c.root().grants(k, "role/app", "Encrypt")
	c.as("role/app").may("Encrypt", k)
	c.session("app", sessionPolicy(c.identity("allow kms:Describe*"))).mayNot("Encrypt", k)
	c.root().grants(k, "home", "Encrypt")
	c.root().may("Encrypt", k)
	c.as("carol").may("Encrypt", k)
	c.as("bob").mayNot("Encrypt", k)
	c.policy(k, c.document(true, "allow home kms:CreateGrant", "deny carol kms:Encrypt"))
	c.as("carol").mayNot("Encrypt", k)
}

func TestGrantConstraints(t *testing.T) {
	c := newAccessTest(t)
	k := c.key("allow home kms:CreateGrant")
	for _, name := range []string{"exact", "part", "source"} {
		c.user(name)
	}
	c.root().grants(k, "exact", "Encrypt,DescribeKey", `{"Constraints":{"EncryptionContextEquals":{"a":"1","b":"2"}}}`)
	c.root().grants(k, "part", "Encrypt,DescribeKey", `{"Constraints":{"EncryptionContextSubset":{"a":"1"}}}`)
	c.root().grants(k, "source", "Encrypt,DescribeKey", `{"Constraints":{"SourceArn":"arn:aws:s3:::bucket"}}`)
	for _, test := range []struct {
		context     string
		exact, part bool
	}{
		{`{"a":"1","b":"2"}`, true, true}, {`{"b":"2","a":"1"}`, true, true}, {`{"a":"1"}`, false, true}, {`{"a":"1","b":"2","c":""}`, false, true},
		{`{"A":"1","b":"2"}`, true, true}, {`{"A":"1","a":"1","b":"2"}`, false, false}, {`{"a":"2"}`, false, false}, {`{}`, false, false},
	} {
		c.as("exact").is(test.exact, "Encrypt", k, inContext(test.context))
		c.as("part").is(test.part, "Encrypt", k, inContext(test.context))
	}
	c.as("exact").may("DescribeKey", k)
	c.as("source").mayNot("Encrypt", k)
	c.as("source").mayNot("DescribeKey", k)
}

// A grantee that may create grants can hand on only its own permissions.
func TestChildGrants(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice")
	k := c.key("allow home kms:CreateGrant")
	c.root().grants(k, "alice", "Encrypt,Decrypt,CreateGrant", `{"Constraints":{"EncryptionContextSubset":{"a":"1"}}}`)
	const a1 = `{"EncryptionContextSubset":{"a":"1"}}`
	for _, test := range []struct {
		operations, constraints string
		allowed                 bool
	}{
		{`"Decrypt"`, a1, true},
		{`"Decrypt","Encrypt","CreateGrant"`, a1, true},
		{`"Decrypt"`, `{"EncryptionContextSubset":{"a":"1","b":"2"}}`, true},
		{`"Decrypt"`, `{"EncryptionContextEquals":{"a":"1"}}`, true},
		{`"Decrypt"`, `{}`, false},
		{`"Decrypt"`, `{"EncryptionContextEquals":{}}`, false},
		{`"Decrypt"`, `{"EncryptionContextSubset":{"b":"2"}}`, false},
		{`"Decrypt"`, `{"EncryptionContextSubset":{"A":"1"}}`, true},
		{`"Decrypt"`, `{"EncryptionContextSubset":{"A":"1","a":"1"}}`, false},
		{`"Decrypt"`, `{"SourceArn":"arn:aws:s3:::bucket"}`, false},
		{`"Decrypt","GenerateDataKey"`, a1, false},
		{`"DescribeKey"`, a1, false},
		{`"RetireGrant"`, a1, false},
	} {
		c.as("alice").is(test.allowed, "CreateGrant", k, `{"Operations":[`+test.operations+`],"Constraints":`+test.constraints+`}`)
	}
}

func TestWhoRetires(t *testing.T) {
	c := newAccessTest(t)
	c.user("grantee")
	c.user("retirer")
	c.user("stranger")
	c.user("delegate", with(c.identity("allow kms:RetireGrant")))
	c.user("denied", with(c.identity("deny kms:RetireGrant")))
	c.role("app")
	k := c.key("allow home kms:CreateGrant", "allow stranger kms:RetireGrant")
	for _, test := range []struct {
		who, operations, retiring string
		may                       bool
	}{
		{"grantee", "Decrypt", "retirer", false},
		{"grantee", "Decrypt,RetireGrant", "retirer", true},
		{"retirer", "Decrypt", "retirer", true},
		{"retirer", "Decrypt", "", false},
		{"stranger", "Decrypt", "retirer", false}, // the key policy does not apply
		{"home", "Decrypt", "retirer", true},
		{"delegate", "Decrypt", "retirer", true},
		{"denied", "Decrypt", "denied", false},
		{"role/app", "Decrypt", "role/app", true},
		{"role/app", "Decrypt", "arn:aws:sts::111122223333:assumed-role/app/build-7", true},
		{"role/app", "Decrypt", "arn:aws:sts::111122223333:assumed-role/app/build-8", false},
		{"other", "Decrypt", "retirer", false},
		{"other", "Decrypt", "other", true},
	} {
		t.Run(fmt.Sprint(test.who, " ", test.operations, " ", test.retiring), func(t *testing.T) {
			c := c.in(t)
			members := []string{}
			if test.retiring != "" {
				members = append(members, `{"RetiringPrincipal":"`+who(test.retiring)+`"}`)
			}
			id, _ := c.root().grants(k, "grantee", test.operations, members...)
			c.as(test.who).is(test.may, "RetireGrant", "", `{"KeyId":"`+k+`","GrantId":"`+id+`"}`)
			_, token := c.root().grants(k, "grantee", test.operations, members...)
			c.as(test.who).is(test.may, "RetireGrant", "", `{"GrantToken":"`+token+`"}`)
		})
	}
}

// Boundaries and session policies limit a caller who retires a grant in the same way as a
// caller who uses a grant.
func TestLimitsOfWhoRetires(t *testing.T) {
	c := newAccessTest(t)
	c.role("app")
	c.role("bounded", c.boundary("allow kms:Describe*"))
	k := c.key("allow home kms:CreateGrant")
	encrypts, retires := sessionPolicy(c.identity("allow kms:Encrypt")), sessionPolicy(c.identity("allow kms:RetireGrant"))
	for _, grant := range []string{`{"RetiringPrincipal":"` + who("role/app") + `"}`, `{"Operations":["RetireGrant"]}`} {
		id, _ := c.root().grants(k, "role/app", "Decrypt", grant)
		members := `{"KeyId":"` + k + `","GrantId":"` + id + `"}`
		c.session("app", encrypts).mayNot("RetireGrant", "", members)
		c.session("app", retires).may("RetireGrant", "", members)
	}
	id, _ := c.root().grants(k, "role/bounded", "RetireGrant")
	c.as("role/bounded").mayNot("RetireGrant", "", `{"KeyId":"`+k+`","GrantId":"`+id+`"}`)
}

// A principal cannot give a key a policy that locks the principal out, except with
// BypassPolicyLockoutSafetyCheck.
func TestLockOuts(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice", with(c.identity("allow kms:*")))
	c.user("bob", with(c.identity("allow kms:*", "deny kms:PutKeyPolicy,kms:CreateKey if Bool kms:BypassPolicyLockoutSafetyCheck true")))
	asking := func(policy string, insist bool) string {
		return fmt.Sprintf(`{"Policy":%q,"BypassPolicyLockoutSafetyCheck":%v}`, policy, insist)
	}
	for policy, safe := range map[string]bool{
		c.document(true, "allow home kms:*"):                                    true,
		c.document(true, "allow alice kms:PutKeyPolicy"):                        true,
		c.document(true, "allow bob kms:*"):                                     false,
		c.document(true, "allow alice kms:Encrypt"):                             false,
		c.document(true, "allow home kms:*", "deny everybody kms:PutKeyPolicy"): false,
		c.document(true, "allow alice kms:* if StringEquals aws:username bob"):  false,
	} {
		for _, operation := range []string{"PutKeyPolicy", "CreateKey"} {
			k := c.key("allow home kms:*")
			_, err := c.as("alice").try(operation, k, asking(policy, false))
			if safe && err != nil {
				t.Errorf("%s with %s: %v", operation, policy, err)
			}
			if !safe {
				c.wantRefusal(err, key.KindMalformedPolicyDocument, "will not allow you to update the key policy")
			}
			c.as("alice").may(operation, c.key("allow home kms:*"), asking(policy, true))
			c.as("bob").mayNot(operation, c.key("allow home kms:*"), asking(policy, true))
		}
	}
}

func TestPoliciesNameNobodyWhoIsNotThere(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice")
	c.role("app")
	k := c.key("allow home kms:*")
	for name, there := range map[string]bool{"alice": true, "role/app": true, "home": true, "other": true, "everybody": true, "mallory": false, "role/none": false, "arn:aws:iam::111122223333:user/path/alice": false} {
		policy := c.document(true, "allow home kms:*", "allow "+name+" kms:Encrypt")
		_, err := c.root().try("PutKeyPolicy", k, fmt.Sprintf(`{"Policy":%q}`, policy))
		if there && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !there {
			c.wantRefusal(err, key.KindMalformedPolicyDocument, "invalid principals")
		}
	}
}

// A stored policy that cannot be read allows nothing.
func TestMalformedPoliciesDeny(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice", with(c.identity("allow kms:*")))
	c.user("bob", with(c.identity("allow kms:*"), `{"Statement":`))
	k, bad := c.key("allow home kms:*"), c.key("allow home kms:*")
	c.policy(bad, `{"Statement":`)
	c.as("alice").may("DescribeKey", k)
	c.as("alice").mayNot("DescribeKey", bad)
	c.root().mayNot("DescribeKey", bad)
	if _, err := c.as("bob").try("DescribeKey", k); err == nil {
		t.Error("a policy that cannot be read is left out")
	}
}

// A caller who may not see a key does not learn whether it exists.
func TestMissingIsAsForbidden(t *testing.T) {
	const missing = "arn:aws:kms:eu-west-2:111122223333:key/00000000-0000-0000-0000-000000000000"
	c := newAccessTest(t)
	c.user("alice")
	c.user("denied", with(c.identity("deny kms:DescribeKey")))
	c.user("other/zoe", with(c.identity("allow kms:*")))
	c.user("admin", with(c.identity("allow kms:*")))
	c.role("app", with(c.identity("allow kms:*")))
	k := c.key("allow home kms:*")
	foreign := strings.Replace(missing, homeAccount, otherAccount, 1)
	limited := c.session("app", sessionPolicy(c.identity("allow kms:Encrypt")))
	for _, a := range []actor{c.as("alice"), c.as("denied"), c.as("other/zoe"), c.as("other"), limited} {
		kind, there := a.refusal("DescribeKey", k)
		if kind2, not := a.refusal("DescribeKey", missing); kind != kind2 || len(there) != len(not) || strings.ReplaceAll(there, k, missing) != not {
			t.Errorf("%s %q\n%s %q", kind, there, kind2, not)
		}
		kind, text := a.refusal("DescribeKey", foreign)
		if kind != key.KindAccessDenied && a.who.AccountID == homeAccount {
			t.Errorf("%s %q", kind, text)
		}
	}
	for _, a := range []actor{c.as("admin"), c.root()} {
		if kind, _ := a.refusal("DescribeKey", missing); kind != key.KindNotFound {
			t.Error(kind)
		}
	}
	if kind, _ := c.as("alice").refusal("DescribeKey", "alias/none"); kind != key.KindNotFound {
		t.Error(kind)
	}
	c.as("alice").mayNot("DescribeKey", "arn:aws:kms:eu-west-2:444455556666:alias/none")
}

// A caller who may not use the key of a ciphertext learns nothing about the key.
func TestKeysInCiphertexts(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice")
	c.user("admin", with(c.identity("allow kms:*")))
	c.user("other/zoe", with(c.identity("allow kms:*")))
	forbidden, open := c.key("allow alice kms:DescribeKey"), c.key("allow home kms:*")
	gone := c.key("allow home kms:*")
	goneBlob := c.blob(gone)
	c.changeKey(gone, func(k *key.Key) { k.State, k.DeletionDate = key.PendingDeletion, c.clock.Now().Add(-1) })
	for _, blob := range []string{c.blob(forbidden), goneBlob, c.blob(open)} {
		for _, who := range []string{"alice", "other/zoe", "admin"} {
			if who == "admin" && blob != goneBlob {
				continue
			}
			if kind, text := c.as(who).refusal("Decrypt", "", ciphertext(blob)); kind != key.KindAccessDenied || text != errBlobKey.Message {
				t.Errorf("%s: %s %q", who, kind, text)
			}
			if kind, text := c.as(who).refusal("ReEncrypt", open, ciphertext(blob)); kind != key.KindAccessDenied || text != errBlobKey.Message {
				t.Errorf("%s: %s %q", who, kind, text)
			}
		}
	}
	c.as("admin").may("Decrypt", "", ciphertext(c.blob(open)))
}
