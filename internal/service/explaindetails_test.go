package service

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A question about a past request has no other members.
func TestExplainHasOneQuestion(t *testing.T) {
	for name, in := range map[string]api.ExplainDecisionRequest{
		"a principal":  {PrincipalArn: new("a")},
		"an action":    {Action: new("a")},
		"a key":        {KeyId: new("a")},
		"an address":   {SourceIp: new("a")},
		"a context":    {EncryptionContext: map[string]string{"a": "b"}},
		"a token":      {GrantTokens: []string{"a"}},
		"a member":     {Members: map[string]string{"a": "b"}},
		"two of a key": {KeyId: new("a"), Members: map[string]string{"a": "b", "c": "d"}},
	} {
		if checkExplainDecision(&in, time.Time{}) == nil {
			t.Errorf("%s alone is a question", name)
		}
		in.RequestId = new("r")
		wantRefusal(t, checkExplainDecision(&in, time.Time{}), key.KindValidation, "Give either")
	}
	for _, in := range []api.ExplainDecisionRequest{{RequestId: new("r")}, {PrincipalArn: new("a"), Action: new("b")}} {
		if err := checkExplainDecision(&in, time.Time{}); err != nil {
			t.Error(err)
		}
	}
}

// An account may see requests of its principals and requests about its keys, and no events of other kinds.
func TestWhoMaySeeAnEvent(t *testing.T) {
	about := func(account string) []audit.Resource {
		return []audit.Resource{{AccountID: "999999999999"}, {AccountID: account}}
	}
	for name, test := range map[string]struct {
		e    audit.Event
		want bool
	}{
		"its own":             {audit.Event{EventType: audit.APICall, RecipientAccountID: homeAccount}, true},
		"about its key":       {audit.Event{EventType: audit.APICall, RecipientAccountID: otherAccount, Resources: about(homeAccount)}, true},
		"of another":          {audit.Event{EventType: audit.APICall, RecipientAccountID: otherAccount, Resources: about(otherAccount)}, false},
		"of the server":       {audit.Event{EventType: "AwsServiceEvent", RecipientAccountID: homeAccount}, false},
		"of the server, too":  {audit.Event{EventType: "AwsServiceEvent", Resources: about(homeAccount)}, false},
		"of nobody about all": {audit.Event{EventType: audit.APICall}, false},
	} {
		if got := concerns(test.e, homeAccount); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Of a principal of another account, only the name in the ARN is known.
func TestPrincipalsOfOtherAccounts(t *testing.T) {
	for arn, want := range map[string]identity.Principal{
		"arn:aws:iam::444455556666:user/p/bob": {Kind: identity.KindUser, AccountID: otherAccount, ARN: "arn:aws:iam::444455556666:user/p/bob", UserName: "bob"},
		"arn:aws:iam::444455556666:role/p/ci": {Kind: identity.KindAssumedRole, AccountID: otherAccount,
			ARN: "arn:aws:sts::444455556666:assumed-role/ci/any", RoleARN: "arn:aws:iam::444455556666:role/p/ci"},
		"arn:aws:sts::444455556666:assumed-role/ci/x": {Kind: identity.KindAssumedRole, AccountID: otherAccount,
			ARN: "arn:aws:sts::444455556666:assumed-role/ci/x", RoleARN: "arn:aws:iam::444455556666:role/ci"},
	} {
		n, ok := parsePrincipal(arn)
		got := n.principalOfOtherAccount()
		if !ok || got.Kind != want.Kind || got.AccountID != want.AccountID || got.ARN != want.ARN ||
			got.RoleARN != want.RoleARN || got.UserName != want.UserName || got.ID != "" {
			t.Errorf("%s: %v, %+v", arn, ok, got)
		}
	}
}

// The explanation of a past request of a session that an OIDC provider vouched for has the provider.
func TestExplainPastWebSession(t *testing.T) {
	o := newExplainTest(t)
	const provider = "arn:aws:iam::111122223333:oidc-provider/oidc.example.com"
	r := identity.Role{Entity: identity.Entity{Account: explainAccount, Name: "ci", Path: "/", ID: "AROA1", Inline: []identity.InlinePolicy{{Name: "own",
		Document: doc(`{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:FederatedProvider": "` + provider + `"}}}`)}}}}
	o.write(func(tx *store.Tx) error { return records.Roles.Put(tx, records.NamedPath(explainAccount, "ci"), r) })
	k := o.key(root, "")
	for _, web := range []*identity.WebIdentity{nil, {Provider: provider}} {
		s := &identity.Session{Account: explainAccount, Role: "ci", RoleID: "AROA1", Name: "x", Issued: time.Now(), Web: web}
		_, id, err := o.as(r.Principal(s), "DescribeKey", &api.DescribeKeyRequest{KeyId: &k.ID})
		wantRefusal(t, err, key.KindAccessDenied, "")
		_, d := o.past(id)
		if denied := d.Outcome == api.OutcomeExplicitDeny; denied != (web != nil) {
			t.Errorf("%+v: %+v", web, d)
		}
		if c := d.Documents[1].Statements[0].Conditions[0]; web != nil && !slices.Equal(c.Seen, []string{provider}) {
			t.Errorf("%+v", c)
		}
	}
}

// The explanation names the rule that an operation has no callers of other accounts, where nothing else decides first.
func TestExplainOperationsForTheAccount(t *testing.T) {
	o := newExplainTest(t)
	toOther := `{"Sid": "Other", "Effect": "Allow", "Principal": {"AWS": "` + explainOther + `"}, "Action": "kms:*", "Resource": "*"}`
	mallory := o.user(explainOther, "mallory", doc(mayAll))
	alice, nobody := o.user(explainAccount, "alice", doc(mayAll)), o.user(explainAccount, "nobody", doc(mayEncrypt))
	k := o.key(root, doc(toAccount, toOther))
	reason := func(p identity.Principal, k key.Key, action string) string {
		return o.decision(&api.ExplainDecisionRequest{PrincipalArn: &p.ARN, Action: &action, KeyId: new(k.ARN())}).Reason
	}
	for _, test := range []struct {
		p      identity.Principal
		action string
		refuse bool
	}{
		{mallory, "kms:ScheduleKeyDeletion", true}, {mallory, "kms:DescribeKey", false},
		{alice, "kms:ScheduleKeyDeletion", false}, {alice, "kms:DescribeKey", false},
		{alice, "kms:CancelKeyDeletion", false}, {nobody, "kms:ScheduleKeyDeletion", false}, {nobody, "kms:DescribeKey", false},
	} {
		got := reason(test.p, k, test.action)
		if (got == "because only principals of the key's account can do this, regardless of policies") != test.refuse {
			t.Errorf("%s for %s: %q", test.action, test.p.ARN, got)
		}
	}
	// The reason does not reveal whether the account of another key has it.
	theirs := o.key(identity.Root(explainOther), "")
	missing := theirs
	missing.ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
	for _, action := range []string{"kms:ScheduleKeyDeletion", "kms:DescribeKey"} {
		for _, p := range []identity.Principal{alice, nobody} {
			if there, gone := reason(p, theirs, action), reason(p, missing, action); there != gone || strings.Contains(there, "only principals") {
				t.Errorf("%s for %s: %q, and %q for a key that is not there", action, p.ARN, there, gone)
			}
		}
	}
}
