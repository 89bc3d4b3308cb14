package service

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// past explains a request by its ID. The request must have exactly one decision.
func (o *explainTest) past(id string) (*api.ExplainDecisionResponse, api.ExplainedDecision) {
	o.Helper()
	out, err := o.explain(&api.ExplainDecisionRequest{RequestId: &id})
	if err != nil {
		o.Fatal(err)
	}
	if len(out.Decisions) == 0 {
		o.Fatalf("no decision: %+v", out)
	}
	return out, out.Decisions[len(out.Decisions)-1]
}

func TestExplainPastRequest(t *testing.T) {
	o := newExplainTest(t)
	alice, k := o.user(explainAccount, "alice", doc(mayAll)), o.key(root, doc(toAccount, denyOutput))
	in := &api.DecryptRequest{KeyId: &k.ID, CiphertextBlob: make([]byte, 200), EncryptionContext: map[string]string{"app": "mail"}, GrantTokens: nil}
	_, id, err := o.as(alice, "Decrypt", in)
	wantRefusal(t, err, key.KindAccessDenied, "because no resource-based policy allows the kms:Decrypt action")
	out, d := o.past(id)
	if out.Operation != "Decrypt" || out.PrincipalArn != alice.ARN || out.Region != explainRegion || out.Request.RequestId != id || *out.Request.ErrorCode != "AccessDeniedException" ||
		out.Request.SourceIp != "192.0.2.1" || time.Since(out.Request.EventTime.Time()) > time.Minute || len(out.Notes) != 2 {
		t.Errorf("%+v", out)
	}
	if d.Outcome != api.OutcomeExplicitDeny || d.By.Sid != "NotToday" || *d.ErrorMessage != *out.Request.ErrorMessage {
		t.Errorf("%+v by %+v", d, d.By)
	}
	if c := d.Documents[0].Statements[1].Conditions[0]; !slices.Equal(c.Seen, []string{"mail"}) {
		t.Errorf("%+v", c)
	}
	// The explanation uses the present policies.
	if _, _, err := o.as(root, "PutKeyPolicy", &api.PutKeyPolicyRequest{KeyId: &k.ID, Policy: new(doc(toAccount))}); err != nil {
		t.Fatal(err)
	}
	if out, d = o.past(id); d.Outcome != api.OutcomeAllowed || !strings.Contains(out.Notes[0], "The present policies") || out.Request.ErrorCode == nil {
		t.Errorf("%+v", out)
	}
}

// A request that names its key only by its ciphertext is explained with the key that its event
// names, with the same result as for the request.
func TestExplainPastBlob(t *testing.T) {
	o := newExplainTest(t)
	alice, k := o.user(explainAccount, "alice", doc(mayEncrypt)), o.key(root, "")
	encrypted, _, err := o.as(alice, "Encrypt", &api.EncryptRequest{KeyId: &k.ID, Plaintext: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	blob := encrypted.(*api.EncryptResponse).CiphertextBlob
	_, id, err := o.as(alice, "Decrypt", &api.DecryptRequest{CiphertextBlob: blob})
	wantRefusal(t, err, key.KindAccessDenied, "The ciphertext refers to")
	if _, d := o.past(id); d.Outcome != api.OutcomeImplicitDeny || d.Resource != k.ARN() || !strings.HasPrefix(*d.ErrorMessage, "The ciphertext refers to") {
		t.Errorf("%+v", d)
	}
	_, id, err = o.as(alice, "ReEncrypt", &api.ReEncryptRequest{CiphertextBlob: blob, DestinationKeyId: &k.ID})
	wantRefusal(t, err, key.KindAccessDenied, "")
	if _, d := o.past(id); d.Action != "kms:ReEncryptFrom" || d.Resource != k.ARN() {
		t.Errorf("%+v", d)
	}
	_, id, err = o.as(root, "ReEncrypt", &api.ReEncryptRequest{CiphertextBlob: blob, DestinationKeyId: &k.ID})
	if out, d := o.past(id); err != nil || d.Action != "kms:ReEncryptTo" || len(out.Decisions) != 2 || out.Request.ErrorCode != nil {
		t.Errorf("%v %+v", err, out)
	}
	_, id, _ = o.as(root, "Decrypt", &api.DecryptRequest{CiphertextBlob: make([]byte, 200)})
	_, err = o.explain(&api.ExplainDecisionRequest{RequestId: &id})
	wantRefusal(t, err, key.KindUnsupportedOperation, "There is no decision to explain")
}

func TestExplainPastSession(t *testing.T) {
	o := newExplainTest(t)
	r := identity.Role{Entity: identity.Entity{Account: explainAccount, Name: "ci", Path: "/", ID: "AROA1",
		Inline: []identity.InlinePolicy{{Name: "own", Document: doc(`{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2026-01-01T00:00:00Z"}}}`)}}}}
	o.write(func(tx *store.Tx) error { return records.Roles.Put(tx, records.NamedPath(explainAccount, "ci"), r) })
	k := o.key(root, "")
	s := &identity.Session{Account: explainAccount, Role: "ci", RoleID: "AROA1", Name: "x", Issued: time.Date(2025, 6, 1, 12, 0, 0, 0, time.UTC)}
	_, id, err := o.as(r.Principal(s), "DescribeKey", &api.DescribeKeyRequest{KeyId: &k.ID})
	wantRefusal(t, err, key.KindAccessDenied, "")
	out, d := o.past(id)
	if d.Outcome != api.OutcomeExplicitDeny || out.PrincipalArn != r.SessionARN("x") {
		t.Fatalf("%+v", d)
	}
	if c := d.Documents[1].Statements[0].Conditions[0]; !slices.Equal(c.Seen, []string{"2025-06-01T12:00:00Z"}) {
		t.Errorf("%+v", c)
	}
	// A new role has the name now.
	r.ID = "AROA2"
	o.write(func(tx *store.Tx) error { return records.Roles.Put(tx, records.NamedPath(explainAccount, "ci"), r) })
	if out, _ = o.past(id); !slices.ContainsFunc(out.Notes, func(n string) bool { return strings.Contains(n, "is not the principal that made the request") }) {
		t.Errorf("%q", out.Notes)
	}
}

// An account can ask about its own requests, and about requests that concern its keys.
func TestExplainPastRequestsOfOthers(t *testing.T) {
	o := newExplainTest(t)
	mallory, own, theirs := o.user(explainOther, "mallory", doc(mayEncrypt)), o.key(root, ""), o.key(identity.Root(explainOther), "")
	_, id, err := o.as(mallory, "Decrypt", &api.DecryptRequest{KeyId: new(own.ARN()), CiphertextBlob: make([]byte, 200)})
	wantRefusal(t, err, key.KindAccessDenied, "")
	out, d := o.past(id)
	if d.Outcome != api.OutcomeImplicitDeny || d.Reason != "because no resource-based policy allows the kms:Decrypt action" || out.Request.ErrorMessage != nil || d.ErrorMessage != nil {
		t.Errorf("%+v", out)
	}
	_, id, err = o.as(mallory, "Decrypt", &api.DecryptRequest{KeyId: &theirs.ID, CiphertextBlob: make([]byte, 200)})
	wantRefusal(t, err, key.KindAccessDenied, "")
	for _, id := range []string{id, "none"} {
		_, err = o.explain(&api.ExplainDecisionRequest{RequestId: &id})
		wantRefusal(t, err, key.KindNotFound, fmt.Sprintf("have no request %s of account %s", id, explainAccount))
	}
}

// The explanation of a past request never fails: the test tries an empty request of every
// operation, and one invalid request.
func TestExplainEveryOperation(t *testing.T) {
	o := newExplainTest(t)
	alice := o.user(explainAccount, "alice", doc(mayAll))
	for name, op := range o.operations {
		_, id, _ := o.as(alice, name, op.NewInput())
		in := []*api.ExplainDecisionRequest{{RequestId: &id}}
		for _, a := range op.asks {
			in = append(in, &api.ExplainDecisionRequest{PrincipalArn: &alice.ARN, Action: &a.Action})
		}
		for _, in := range in {
			if _, err := o.explain(in); err != nil {
				if _, ok := err.(*key.Error); !ok {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	}
}

func TestExplainRefusesWhatIsNoQuestion(t *testing.T) {
	o := newExplainTest(t)
	k := o.key(root, "")
	for name, test := range map[string]struct {
		in   api.ExplainDecisionRequest
		part string
	}{
		"nothing":         {api.ExplainDecisionRequest{}, "Give either"},
		"both":            {api.ExplainDecisionRequest{RequestId: new("r"), Action: new("kms:Decrypt")}, "Give either"},
		"no action":       {api.ExplainDecisionRequest{PrincipalArn: &root.ARN}, "Give either"},
		"unknown action":  {api.ExplainDecisionRequest{PrincipalArn: &root.ARN, Action: new("kms:Decypt")}, "asks for the action kms:Decypt"},
		"no principal":    {api.ExplainDecisionRequest{PrincipalArn: new("alice"), Action: new("kms:Decrypt")}, "'alice' is not the ARN"},
		"a policy":        {api.ExplainDecisionRequest{PrincipalArn: new("arn:aws:iam::111122223333:policy/p"), Action: new("kms:Decrypt")}, "is not the ARN"},
		"no key":          {api.ExplainDecisionRequest{PrincipalArn: &root.ARN, Action: new("kms:DescribeKey")}, "'keyId' failed to satisfy constraint: Member must not be null"},
		"a key too many":  {api.ExplainDecisionRequest{PrincipalArn: &root.ARN, Action: new("kms:ListKeys"), KeyId: &k.ID}, "ListKeys has no member for a key"},
		"no such member":  {api.ExplainDecisionRequest{PrincipalArn: &root.ARN, Action: new("kms:Sign"), Members: map[string]string{"Nonce": "1"}}, "Sign has no member Nonce"},
		"a blob":          {api.ExplainDecisionRequest{PrincipalArn: &root.ARN, Action: new("kms:Encrypt"), Members: map[string]string{"Plaintext": "1"}}, "has no say"},
		"no JSON":         {api.ExplainDecisionRequest{PrincipalArn: &root.ARN, Action: new("kms:CreateKey"), Members: map[string]string{"Tags": "a"}}, "as JSON"},
		"another type":    {api.ExplainDecisionRequest{PrincipalArn: &root.ARN, Action: new("kms:CreateKey"), Members: map[string]string{"Tags": "1"}}, "A member is not as CreateKey has it"},
		"an invalid one":  {api.ExplainDecisionRequest{PrincipalArn: &root.ARN, Action: new("kms:Sign"), KeyId: &k.ID, Members: map[string]string{"MessageType": "TEXT"}}, "'messageType'"},
		"no time":         {api.ExplainDecisionRequest{PrincipalArn: &root.ARN, Action: new("kms:ImportKeyMaterial"), KeyId: &k.ID, Members: map[string]string{"ValidTo": "soon"}}, "is to be a time"},
		"half a tag":      {api.ExplainDecisionRequest{PrincipalArn: &root.ARN, Action: new("kms:TagResource"), KeyId: &k.ID, Members: map[string]string{"Tags": `[{"TagKey":"a"}]`}}, "tagValue"},
		"context of none": {api.ExplainDecisionRequest{PrincipalArn: &root.ARN, Action: new("kms:Sign"), EncryptionContext: map[string]string{"a": "b"}}, "no member for an encryption context"},
	} {
		_, err := o.explain(&test.in)
		if e, ok := err.(*key.Error); !ok || e.Kind != key.KindValidation || !strings.Contains(e.Message, test.part) {
			t.Errorf("%s: got %v, want …%s…", name, err, test.part)
		}
	}
}

// Members have the spelling of the command line.
func TestExplainMembers(t *testing.T) {
	o := newExplainTest(t)
	k := o.key(root, "")
	alice := o.user(explainAccount, "alice", doc(`{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {
		"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt", "Decrypt"], "aws:TagKeys": ["a"], "kms:EncryptionContextKeys": ["app"]},
		"NumericLessThanIfExists": {"kms:RotationPeriodInDays": "400"}, "DateLessThanIfExists": {"kms:ValidTo": "2030-01-01T00:00:00Z"}, "BoolIfExists": {"kms:MultiRegion": "false"}}}`))
	for action, members := range map[string]map[string]string{
		"kms:CreateGrant":       {"Operations": "Encrypt,Decrypt", "GranteePrincipal": alice.ARN, "Constraints": `{"EncryptionContextSubset":{"app":"x"}}`},
		"kms:TagResource":       {"Tags": `[{"TagKey":"a","TagValue":"b"}]`},
		"kms:EnableKeyRotation": {"RotationPeriodInDays": "180"},
		"kms:ImportKeyMaterial": {"ValidTo": "2029-12-31T00:00:00Z"},
	} {
		in := &api.ExplainDecisionRequest{PrincipalArn: &alice.ARN, Action: &action, KeyId: &k.ID, Members: members}
		if d := o.decision(in); d.Outcome != api.OutcomeAllowed {
			t.Errorf("%s: %+v", action, d.Documents[1].Statements)
		}
	}
	in := &api.ExplainDecisionRequest{PrincipalArn: &alice.ARN, Action: new("kms:CreateGrant"), KeyId: &k.ID, Members: map[string]string{"Operations": `["Sign"]`}}
	if d := o.decision(in); d.Outcome != api.OutcomeImplicitDeny {
		t.Errorf("%+v", d)
	}
}

// If the decision may depend on a member that the event does not keep, there is no explanation.
// If another member is missing, the explanation has a note.
func TestExplainWithoutWhatIsNotKept(t *testing.T) {
	o := newExplainTest(t)
	alice, k := o.user(explainAccount, "alice", doc(`{"Effect": "Deny", "Action": "kms:*", "Resource": "*"}`)), o.key(root, "")
	long := strings.Repeat("x", 20<<10)
	_, id, err := o.as(alice, "Decrypt", &api.DecryptRequest{KeyId: &k.ID, CiphertextBlob: make([]byte, 200), EncryptionContext: map[string]string{"app": long}})
	wantRefusal(t, err, key.KindAccessDenied, "")
	_, err = o.explain(&api.ExplainDecisionRequest{RequestId: &id})
	wantRefusal(t, err, key.KindUnsupportedOperation, "requestParameters.encryptionContext was too long")

	_, id, err = o.as(alice, "PutKeyPolicy", &api.PutKeyPolicyRequest{KeyId: &k.ID, Policy: &long})
	wantRefusal(t, err, key.KindAccessDenied, "")
	if out, d := o.past(id); d.Outcome != api.OutcomeExplicitDeny || !slices.Contains(out.Notes, "The audit log keeps only the length and the SHA-256 of policy.") {
		t.Errorf("%+v, %q", d, out.Notes)
	}

	op, _ := o.Find("DescribeKey")
	_, err = o.Do(t.Context(), Request{ID: "agent", Caller: identity.Caller{Principal: alice, Region: explainRegion}, UserAgent: long, Operation: op, Input: &api.DescribeKeyRequest{KeyId: &k.ID}})
	wantRefusal(t, err, key.KindAccessDenied, "")
	_, err = o.explain(&api.ExplainDecisionRequest{RequestId: new("agent")})
	wantRefusal(t, err, key.KindUnsupportedOperation, "userAgent was too long")
}
