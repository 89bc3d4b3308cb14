package service

import (
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
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
func TestExplainWithoutSTS(t *testing.T) {
	o := newExplainTest(t)
	alice := o.user(explainAccount, "alice", doc(`{"Effect": "Allow", "Action": "*", "Resource": "*"}`))
	for _, action := range []string{"sts:AssumeRole", "sts:GetCallerIdentity"} {
		_, err := o.explain(&api.ExplainDecisionRequest{PrincipalArn: &alice.ARN, Action: &action})
		wantRefusal(t, err, key.KindValidation, "No operation of KMS")
	}
	_, id, _ := o.as(alice, "GetCallerIdentity", &sts.GetCallerIdentityRequest{})
	_, err := o.explain(&api.ExplainDecisionRequest{RequestId: &id})
	wantRefusal(t, err, key.KindUnsupportedOperation, "not an operation of KMS")
}

// Decisions about requests of administrators are explained as the gate decides, with the rules besides policies.
func TestExplainAdministration(t *testing.T) {
	o := newExplainTest(t)
	o.devAccount = explainAccount
	admin := o.user(explainAccount, "admin", doc(`{"Effect": "Allow", "Action": "keyhold:*", "Resource": "arn:aws:iam::*:user/staff/*"}`))
	all := o.user(explainAccount, "all", doc(`{"Effect": "Allow", "Action": "*", "Resource": "*"}`))
	put := func(path string) map[string]string { return map[string]string{"Name": "new", "Path": path} }
	for name, test := range map[string]struct {
		who             identity.Principal
		action          string
		members         map[string]string
		outcome, reason string
		resource        string
	}{
		"allowed":      {admin, "keyhold:PutUser", put("/staff/"), api.OutcomeAllowed, "", "arn:aws:iam::111122223333:user/staff/new"},
		"another path": {admin, "keyhold:PutUser", put("/"), api.OutcomeImplicitDeny, "because no identity-based policy allows the keyhold:PutUser action", "arn:aws:iam::111122223333:user/new"},
		"a list":       {admin, "keyhold:ListIdentities", nil, api.OutcomeImplicitDeny, "because no identity-based policy allows the keyhold:ListIdentities action", "*"},
		"the seal":     {all, "keyhold:SealMigrate", nil, api.OutcomeAllowed, "", "*"},
		"a root's key": {all, "keyhold:RotateAccessKey", nil, api.OutcomeImplicitDeny, becauseOfRoot, "arn:aws:iam::111122223333:root"},
		"the log":      {all, "keyhold:QueryAudit", nil, api.OutcomeAllowed, "", "*"},
	} {
		out, err := o.explain(&api.ExplainDecisionRequest{PrincipalArn: &test.who.ARN, Action: &test.action, Members: test.members})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := out.Decisions[0]; d.Outcome != test.outcome || !strings.HasSuffix(d.Reason, test.reason) || d.Resource != test.resource || len(d.Documents) == 0 {
			t.Errorf("%s: %+v", name, d)
		}
	}
	_, err := o.explain(&api.ExplainDecisionRequest{PrincipalArn: &admin.ARN, Action: new("keyhold:PutUser")})
	wantRefusal(t, err, key.KindValidation, "Value null at 'name'")
	_, id, err := o.as(admin, "ListIdentities", &api.ListIdentitiesRequest{Kind: new("user")})
	wantRefusal(t, err, key.KindAccessDenied, "keyhold:ListIdentities")
	out, err := o.explain(&api.ExplainDecisionRequest{RequestId: &id})
	if err != nil || out.Operation != "ListIdentities" || out.Decisions[0].Outcome != api.OutcomeImplicitDeny {
		t.Errorf("%+v, %v", out, err)
	}
	o.devAccount = explainOther
	out, err = o.explain(&api.ExplainDecisionRequest{PrincipalArn: &all.ARN, Action: new("keyhold:QueryAudit")})
	if err != nil || out.Decisions[0].Outcome != api.OutcomeImplicitDeny || !strings.Contains(out.Decisions[0].Reason, "for principals of the deployment's account alone") {
		t.Errorf("%+v, %v", out, err)
	}
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
