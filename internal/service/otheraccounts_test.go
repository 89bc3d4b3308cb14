package service

import (
	"encoding/json"
	"testing"

	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// The root of the account that created a grant, and principals whose policies allow it, may
// retire the grant. The account that owns the key may not.
func TestTheIssuingAccountRetires(t *testing.T) {
	c := newAccessTest(t)
	c.user("owner", with(c.identity("allow kms:*")))
	c.user("other/issuer", with(c.identity("allow kms:RetireGrant")))
	c.user("other/nobody", with(c.identity("allow kms:DescribeKey")))
	c.user("other/denied", with(c.identity("allow kms:*", "deny kms:RetireGrant")))
	k := c.key("allow home kms:*", "allow other kms:CreateGrant")
	id, token := c.as("other").grants(k, "other/somebody", "Decrypt")
	dry := `{"GrantId":"` + id + `","KeyId":"` + k + `","DryRun":true}`
	for name, may := range map[string]bool{"other": true, "other/issuer": true, "other/nobody": false, "other/denied": false, "home": false, "owner": false} {
		c.as(name).is(may, "RetireGrant", k, dry)
	}
	own, _ := c.root().grants(k, "other/somebody", "Decrypt")
	dry = `{"GrantId":"` + own + `","KeyId":"` + k + `","DryRun":true}`
	for name, may := range map[string]bool{"home": true, "owner": true, "other": false, "other/issuer": false} {
		c.as(name).is(may, "RetireGrant", k, dry)
	}
	c.as("other/issuer").does("RetireGrant", k, `{"GrantToken":"`+token+`"}`)
}

// Managed policies of another account limit no session of a role.
func TestSessionPoliciesAreOfTheAccountOfTheRole(t *testing.T) {
	p := newPeople(t)
	p.role("deployer", trustPolicy(`{"AWS":"arn:aws:iam::111122223333:user/alice"}`, ""), func(*identity.Role) {})
	at := func(account string) string {
		m := identity.ManagedPolicy{Account: account, Name: "all", Path: "/", Document: allowAll}
		p.update(func(tx *store.Tx) error { return records.ManagedPolicies.Put(tx, records.NamedPath(account, "all"), m) })
		return m.ARN()
	}
	assume := func(arns ...string) error {
		_, err := p.assume(p.as("alice"), "deployer", func(in *sts.AssumeRoleRequest) {
			for _, arn := range arns {
				in.PolicyArns = append(in.PolicyArns, sts.PolicyDescriptorType{Arn: &arn})
			}
		})
		return err
	}
	own, foreign := at(homeAccount), at(otherAccount)
	if err := assume(own); err != nil {
		t.Error(err)
	}
	p.wantRefusal(assume(foreign), key.KindValidation, "not a managed policy of the role's account")
	p.wantRefusal(assume(own, foreign), key.KindValidation, "not a managed policy of the role's account")
}

// The check for lockout also considers statements about everybody.
func TestLockoutByPoliciesForEverybody(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice")
	k := c.keyLike(`{"Tags":[{"TagKey":"team","TagValue":"red"}]}`, "allow alice kms:*")
	for _, test := range []struct {
		principal, rest string
		may             bool
	}{
		{`"*"`, `"Effect":"Allow","Action":"kms:*","Resource":"*"`, true},
		{`{"AWS":"*"}`, `"Effect":"Allow","Action":"kms:*","Resource":"*"`, true},
		{`"*"`, `"Effect":"Allow","Action":"kms:PutKeyPolicy","Resource":"` + k + `"`, true},
		{`"*"`, `"Effect":"Allow","Action":"kms:Encrypt","Resource":"*"`, false},
		{`"*"`, `"Effect":"Allow","Action":"kms:*","Resource":"` + k + `0"`, false},
		{`"*"`, `"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"` + homeAccount + `"}}`, true},
		{`"*"`, `"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"` + otherAccount + `"}}`, false},
		{`"*"`, `"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"red"}}`, true},
		{`"*"`, `"Effect":"Allow","Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}`, false},
		{`"*"`, `"Effect":"Deny","Action":"kms:PutKeyPolicy","Resource":"*"`, false},
	} {
		statement := `{"Principal":` + test.principal + `,` + test.rest + `}`
		if !test.may && test.rest[10:14] == "Deny" { // a second statement allows
			statement += `,{"Principal":"*","Effect":"Allow","Action":"kms:*","Resource":"*"}`
		}
		members, err := escape(`{"Version":"2012-10-17","Statement":[` + statement + `]}`)
		if err != nil {
			t.Fatal(err)
		}
		c.changeKey(k, func(k *key.Key) { k.Policy = c.document(true, "allow alice kms:*") })
		_, err = c.as("alice").try("PutKeyPolicy", k, `{"Policy":`+members+`,"BypassPolicyLockoutSafetyCheck":false}`)
		if (err == nil) != test.may {
			t.Errorf("%s: %v", statement, err)
		}
		if !test.may {
			c.wantRefusal(err, key.KindMalformedPolicyDocument, "will not allow you to update the key policy")
		}
	}
}

// escape returns a text as a string of JSON.
func escape(text string) (string, error) {
	b, err := json.Marshal(text)
	return string(b), err
}
