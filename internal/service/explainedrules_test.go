package service

import (
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// The explanation of an operation for principals of the key's account never refers to the
// policies of another account.
func TestExplainWithinAccount(t *testing.T) {
	o := newExplainTest(t)
	mallory := o.user(explainOther, "mallory", doc(mayAll))
	k := o.key(root, doc(toAccount, `{"Effect": "Allow", "Principal": {"AWS": "444455556666"}, "Action": "kms:*", "Resource": "*"}`))
	in := mayDecrypt(mallory, k)
	in.Action = new("kms:DisableKey")
	d := o.decision(in)
	if _, _, err := o.as(mallory, "DisableKey", &api.DisableKeyRequest{KeyId: new(k.ARN())}); err == nil {
		t.Fatal("the gate allows it")
	}
	if d.Outcome != api.OutcomeImplicitDeny || d.Reason != "because only principals of the key's account can do this, regardless of policies" {
		t.Errorf("%s %s", d.Outcome, d.Reason)
	}
}

// An operation with rules besides policies is not explained as if only policies decided.
func TestExplainOnlyKMS(t *testing.T) {
	o := newExplainTest(t)
	alice := o.user(explainAccount, "alice", doc(`{"Effect": "Allow", "Action": "*", "Resource": "*"}`))
	for _, action := range []string{"keyhold:PutUser", "sts:AssumeRole", "sts:GetCallerIdentity"} {
		_, err := o.explain(&api.ExplainDecisionRequest{PrincipalArn: &alice.ARN, Action: &action})
		wantRefusal(t, err, key.KindValidation, "No operation of KMS")
	}
	_, id, _ := o.as(alice, "ListIdentities", &api.ListIdentitiesRequest{})
	_, err := o.explain(&api.ExplainDecisionRequest{RequestId: &id})
	wantRefusal(t, err, key.KindUnsupportedOperation, "not an operation of KMS")
}

// The placeholder in place of a key policy is not shown.
func TestExplainRetireShowsNoPlaceholder(t *testing.T) {
	o := newExplainTest(t)
	alice, k := o.user(explainAccount, "alice", doc(mayEncrypt)), o.key(root, "")
	out, _, err := o.as(root, "CreateGrant", &api.CreateGrantRequest{KeyId: &k.ID, GranteePrincipal: &alice.ARN, RetiringPrincipal: &alice.ARN, Operations: []string{"Encrypt"}})
	if err != nil {
		t.Fatal(err)
	}
	id := *out.(*api.CreateGrantResponse).GrantId
	in := mayDecrypt(alice, k)
	in.Action, in.Members = new("kms:RetireGrant"), map[string]string{"GrantId": id}
	d := o.decision(in)
	if d.Outcome != api.OutcomeAllowed || d.By == nil || d.By.GrantId == nil || *d.By.GrantId != id {
		t.Errorf("%+v", d)
	}
	for _, document := range d.Documents {
		if document.Name == "" {
			t.Errorf("%+v", document)
		}
	}
}
