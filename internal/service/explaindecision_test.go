package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

const explainAccount, explainOther, explainRegion = "111122223333", "444455556666", "eu-west-2"

// An explainTest is a Service with an administrator who explains, and with identities.
type explainTest struct {
	*testing.T
	*Service
	requests atomic.Int64
	logPath  string // the audit log
}

func newExplainTest(t *testing.T) *explainTest {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	log, err := audit.Open(path, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Config{
		Backend: memory.New(), Slots: memory.NewSlots(), Root: seal.NewEphemeralRoot(), Audit: log, Clock: NewClock(time.Now), Log: slog.New(slog.DiscardHandler), Create: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(log.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	o := &explainTest{T: t, Service: s, logPath: path}
	for _, account := range []string{explainAccount, explainOther} {
		o.write(func(tx *store.Tx) error {
			return records.Accounts.Put(tx, account, identity.Account{ID: account})
		})
	}
	return o
}

func (o *explainTest) write(fn func(tx *store.Tx) error) {
	o.Helper()
	if err := o.store.Update(o.Context(), fn); err != nil {
		o.Fatal(err)
	}
}

// user makes a user with an inline policy named "own".
func (o *explainTest) user(account, name, document string, change ...func(*identity.User)) identity.Principal {
	o.Helper()
	u := identity.User{Entity: identity.Entity{Account: account, Name: name, Path: "/", ID: "AIDA" + name, Inline: []identity.InlinePolicy{{Name: "own", Document: document}}}}
	for _, c := range change {
		c(&u)
	}
	o.write(func(tx *store.Tx) error { return records.Users.Put(tx, records.NamedPath(account, name), u) })
	return u.Principal()
}

// managedPolicy makes a managed policy and returns its ARN.
func (o *explainTest) managedPolicy(name, document string) string {
	o.Helper()
	p := identity.ManagedPolicy{Account: explainAccount, Name: name, Path: "/", Document: document}
	o.write(func(tx *store.Tx) error {
		return records.ManagedPolicies.Put(tx, records.NamedPath(explainAccount, name), p)
	})
	return p.ARN()
}

// as carries out a request and returns its ID.
func (o *explainTest) as(p identity.Principal, operation string, in any) (out any, id string, err error) {
	o.Helper()
	op, ok := o.Find(operation)
	if !ok {
		o.Fatalf("no operation %s", operation)
	}

	id = fmt.Sprint("request-", o.requests.Add(1))
	out, err = o.Do(context.Background(), Request{
		ID: id, Caller: identity.Caller{Principal: p, Region: explainRegion}, SourceIP: "192.0.2.1", UserAgent: "test", Operation: op, Input: in,
	})
	return out, id, err
}

func (o *explainTest) key(p identity.Principal, policy string) key.Key {
	o.Helper()
	in := &api.CreateKeyRequest{BypassPolicyLockoutSafetyCheck: new(true), Tags: []api.Tag{{TagKey: new("stage"), TagValue: new("test")}}}
	if policy != "" {
		in.Policy = &policy
	}
	out, _, err := o.as(p, "CreateKey", in)
	if err != nil {
		o.Fatal(err)
	}
	m := out.(*api.CreateKeyResponse).KeyMetadata
	return key.Key{Account: *m.AWSAccountId, Region: explainRegion, ID: *m.KeyId}
}

func (o *explainTest) explain(in *api.ExplainDecisionRequest) (*api.ExplainDecisionResponse, error) {
	o.Helper()
	out, _, err := o.as(identity.Root(explainAccount), "ExplainDecision", in)
	if err != nil {
		return nil, err
	}
	return out.(*api.ExplainDecisionResponse), nil
}

// decision returns the explanation of a request with exactly one decision.
func (o *explainTest) decision(in *api.ExplainDecisionRequest) api.ExplainedDecision {
	o.Helper()
	out, err := o.explain(in)
	if err != nil {
		o.Fatal(err)
	}
	if len(out.Decisions) != 1 {
		o.Fatalf("%d decisions: %+v", len(out.Decisions), out)
	}
	return out.Decisions[0]
}

// mayDecrypt returns a question about a principal that decrypts under a key.
func mayDecrypt(p identity.Principal, k key.Key) *api.ExplainDecisionRequest {
	return &api.ExplainDecisionRequest{PrincipalArn: &p.ARN, Action: new("kms:Decrypt"), KeyId: new(k.ARN())}
}

// doc returns a policy with the statements.
func doc(statements ...string) string {
	return "{\"Version\": \"2012-10-17\", \"Statement\": [\n" + strings.Join(statements, ",\n") + "\n]}"
}

const (
	toAccount  = `{"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:*", "Resource": "*"}`
	denyOutput = `  {"Sid": "NotToday", "Effect": "Deny", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*", "Condition": {"StringNotEquals": {"kms:EncryptionContext:app": "payroll"}}}`
	mayAll     = `{"Sid": "Use", "Effect": "Allow", "Action": "kms:*", "Resource": "*"}`
	mayEncrypt = `{"Sid": "Write", "Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"}`
)

var root = identity.Root(explainAccount)

func TestExplainMissingStatement(t *testing.T) {
	o := newExplainTest(t)
	alice, k := o.user(explainAccount, "alice", doc(mayEncrypt)), o.key(root, "")
	d := o.decision(mayDecrypt(alice, k))
	if d.Outcome != api.OutcomeImplicitDeny || d.Reason != "because no identity-based policy allows the kms:Decrypt action" || d.By != nil || d.Resource != k.ARN() {
		t.Errorf("%+v", d)
	}
	if *d.ErrorCode != "AccessDeniedException" || !strings.HasPrefix(*d.ErrorMessage, "User: "+alice.ARN+" is not authorized to perform: kms:Decrypt on resource: ") {
		t.Errorf("told %s %s", *d.ErrorCode, *d.ErrorMessage)
	}
	if len(d.Documents) != 2 || d.Documents[0].Name != "the key policy of "+k.ARN() || d.Documents[1].Name != "the inline policy own of "+alice.ARN {
		t.Fatalf("%+v", d.Documents)
	}
	if s := d.Documents[1].Statements[0]; s.Matched || s.Missed != "Action" || s.Sid != "Write" || s.Line != 2 || s.Column != 1 || s.Effect != "Allow" {
		t.Errorf("%+v", s)
	}
}

func TestExplainExplicitDeny(t *testing.T) {
	o := newExplainTest(t)
	alice, k := o.user(explainAccount, "alice", doc(mayAll)), o.key(root, doc(toAccount, denyOutput))
	d := o.decision(mayDecrypt(alice, k))
	by := d.By
	if d.Outcome != api.OutcomeExplicitDeny || by == nil || by.Sid != "NotToday" || by.Line != 3 || by.Column != 3 || by.Role != "resource-based policy" || by.Document != "the key policy of "+k.ARN() {
		t.Fatalf("%+v by %+v", d, by)
	}
	c := d.Documents[0].Statements[1].Conditions[0]
	if c.Operator != "StringNotEquals" || c.Key != "kms:EncryptionContext:app" || !slices.Equal(c.Wanted, []string{"payroll"}) || len(c.Seen) != 0 || !c.Held {
		t.Errorf("%+v", c)
	}
	// With the required context, the user's own policy decides.
	in := mayDecrypt(alice, k)
	in.EncryptionContext = map[string]string{"app": "payroll"}
	d = o.decision(in)
	if d.Outcome != api.OutcomeAllowed || d.ErrorCode != nil || d.By.Sid != "Use" || d.By.Document != "the inline policy own of "+alice.ARN {
		t.Errorf("%+v by %+v", d, d.By)
	}
	if c := d.Documents[0].Statements[1].Conditions[0]; c.Held || !slices.Equal(c.Seen, []string{"payroll"}) {
		t.Errorf("%+v", c)
	}
}

func TestExplainBoundary(t *testing.T) {
	o := newExplainTest(t)
	limits := o.managedPolicy("limits", doc(mayEncrypt))
	alice, k := o.user(explainAccount, "alice", doc(mayAll), func(u *identity.User) { u.Boundary = limits }), o.key(root, "")
	d := o.decision(mayDecrypt(alice, k))
	if d.Outcome != api.OutcomeImplicitDeny || d.Reason != "because no permissions boundary allows the kms:Decrypt action" {
		t.Errorf("%+v", d)
	}
	if last := d.Documents[2]; last.Role != "permissions boundary" || last.Name != limits || last.Statements[0].Missed != "Action" {
		t.Errorf("%+v", last)
	}
}

func TestExplainGrants(t *testing.T) {
	o := newExplainTest(t)
	alice, k := o.user(explainAccount, "alice", doc(mayEncrypt)), o.key(root, "")
	grant := func(operations ...string) (id, token string) {
		out, _, err := o.as(root, "CreateGrant", &api.CreateGrantRequest{KeyId: &k.ID, GranteePrincipal: &alice.ARN, Operations: operations,
			Constraints: &api.GrantConstraints{EncryptionContextSubset: map[string]string{"app": "payroll"}}})
		if err != nil {
			t.Fatal(err)
		}
		g := out.(*api.CreateGrantResponse)
		return *g.GrantId, *g.GrantToken
	}
	_, _ = grant("Encrypt")
	id, token := grant("Decrypt")
	d := o.decision(mayDecrypt(alice, k))
	missed := map[string]bool{}
	for _, g := range d.Grants {
		missed[g.Missed] = true
	}
	if d.Outcome != api.OutcomeImplicitDeny || d.GrantsRead != 2 || !missed["Operations"] || !missed["EncryptionContextSubset"] {
		t.Errorf("%+v", d)
	}
	in := mayDecrypt(alice, k)
	in.EncryptionContext = map[string]string{"app": "payroll"}
	for _, in.GrantTokens = range [][]string{nil, {token}} {
		if d = o.decision(in); d.Outcome != api.OutcomeAllowed || d.By.GrantId == nil || *d.By.GrantId != id {
			t.Errorf("%+v by %+v", d, d.By)
		}
	}
	in.GrantTokens = []string{"bm9uZQ=="}
	_, err := o.explain(in)
	wantRefusal(t, err, key.KindInvalidGrantToken, "")
	// The principals that a grant names may retire it, regardless of policies.
	retire := &api.ExplainDecisionRequest{PrincipalArn: &alice.ARN, Action: new("kms:RetireGrant"), KeyId: new(k.ARN()), Members: map[string]string{"GrantId": id}}
	if d = o.decision(retire); d.Outcome != api.OutcomeImplicitDeny {
		t.Errorf("%+v", d)
	}
	id, _ = grant("RetireGrant")
	retire.Members["GrantId"] = id
	if d = o.decision(retire); d.Outcome != api.OutcomeAllowed || *d.By.GrantId != id {
		t.Errorf("%+v", d)
	}
}

// An explanation lists some of many grants, and reports how many there were.
func TestExplainManyGrants(t *testing.T) {
	o := newExplainTest(t)
	alice, k := o.user(explainAccount, "alice", doc(mayEncrypt)), o.key(root, "")
	const many = maxExplainedGrants + 20
	for i := range many {
		_, _, err := o.as(root, "CreateGrant", &api.CreateGrantRequest{KeyId: &k.ID, GranteePrincipal: &alice.ARN, Operations: []string{"Encrypt"}, Name: new(fmt.Sprint("g", i))})
		if err != nil {
			t.Fatal(err)
		}
	}
	if d := o.decision(mayDecrypt(alice, k)); d.GrantsRead != many || len(d.Grants) != maxExplainedGrants {
		t.Errorf("%d read, %d told", d.GrantsRead, len(d.Grants))
	}
}

// Each condition reports the values that it compared, of the request, of the key and of the
// principal.
func TestExplainConditionValues(t *testing.T) {
	o := newExplainTest(t)
	o.user(explainAccount, "alice", doc(`{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {
		"StringEquals": {"aws:ResourceTag/stage": "live", "aws:PrincipalTag/team": "blue", "kms:KeySpec": "SYMMETRIC_DEFAULT", "kms:RequestAlias": "alias/pay"},
		"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}, "Bool": {"aws:SecureTransport": "true"}, "StringLikeTwice": {"aws:username": "*"}}}`),
		func(u *identity.User) { u.Tags = []identity.Tag{{Key: "team", Value: "red"}} })
	k := o.key(root, "")
	if _, _, err := o.as(root, "CreateAlias", &api.CreateAliasRequest{AliasName: new("alias/pay"), TargetKeyId: &k.ID}); err != nil {
		t.Fatal(err)
	}
	out, err := o.explain(&api.ExplainDecisionRequest{PrincipalArn: new("arn:aws:iam::" + explainAccount + ":user/alice"), Action: new("KMS:decrypt"), KeyId: new("alias/pay"), SourceIp: new("198.51.100.7")})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range out.Decisions[0].Documents[1].Statements[0].Conditions {
		got = append(got, fmt.Sprint(c.Operator, " ", c.Key, " ", c.Seen, " ", c.Held, " ", c.Problem))
	}
	slices.Sort(got)
	want := []string{
		"Bool aws:SecureTransport [false] false ",
		"IpAddress aws:SourceIp [198.51.100.7] true ",
		"StringEquals aws:PrincipalTag/team [red] false ",
		"StringEquals aws:ResourceTag/stage [test] false ",
		"StringEquals kms:KeySpec [SYMMETRIC_DEFAULT] true ",
		"StringEquals kms:RequestAlias [alias/pay] true ",
		"StringLikeTwice aws:username [alice] false unknown operator",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if len(out.Notes) != 1 || !strings.Contains(out.Notes[0], "aws:SecureTransport") || out.Decisions[0].Action != "kms:Decrypt" || out.Decisions[0].Resource != k.ARN() {
		t.Errorf("%+v", out)
	}
}

// The account of a key learns that the key does not exist, and what the principal is told.
func TestExplainMissingKey(t *testing.T) {
	o := newExplainTest(t)
	alice, bob := o.user(explainAccount, "alice", doc(mayEncrypt)), o.user(explainAccount, "bob", doc(mayAll))
	k := key.Key{Account: explainAccount, Region: explainRegion, ID: "1234abcd-12ab-34cd-56ef-1234567890ab"}
	d := o.decision(mayDecrypt(alice, k))
	if d.Outcome != api.OutcomeNotFound || *d.ErrorCode != "AccessDeniedException" || len(d.Documents) != 1 {
		t.Errorf("%+v", d)
	}
	if d = o.decision(mayDecrypt(bob, k)); d.Outcome != api.OutcomeNotFound || *d.ErrorCode != "NotFoundException" {
		t.Errorf("%+v", d)
	}
	in := mayDecrypt(alice, k)
	in.KeyId = new("alias/none")
	if d = o.decision(in); d.Outcome != api.OutcomeNotFound || *d.ErrorCode != "NotFoundException" || !strings.HasSuffix(d.Resource, ":alias/none") {
		t.Errorf("%+v", d)
	}
}

// For an operation on two keys, or on a key and an alias, each resource has an explanation.
func TestExplainSeveralAsks(t *testing.T) {
	o := newExplainTest(t)
	alice := o.user(explainAccount, "alice", doc(`{"Effect": "Allow", "Action": ["kms:CreateAlias", "kms:ReEncryptTo"], "Resource": "arn:aws:kms:*:*:key/*", "Condition": {"Null": {"kms:ReEncryptOnSameKey": "true"}}}`))
	k := o.key(root, "")
	in := &api.ExplainDecisionRequest{PrincipalArn: &alice.ARN, Action: new("kms:CreateAlias"), KeyId: &k.ID, Members: map[string]string{"AliasName": "alias/a"}}
	out, err := o.explain(in)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(out.Decisions); n != 2 || out.Decisions[0].Outcome != api.OutcomeAllowed || out.Decisions[1].Outcome != api.OutcomeImplicitDeny || !strings.HasSuffix(out.Decisions[1].Resource, ":alias/a") {
		t.Errorf("%+v", out.Decisions)
	}
	in.Members["AliasName"] = "pay"
	if _, err := o.explain(in); err == nil || !strings.Contains(err.Error(), `must start with the prefix "alias/"`) {
		t.Errorf("an alias without its prefix: %v", err)
	}
	in.Action, in.Members = new("kms:ReEncryptTo"), nil
	if d := o.decision(in); d.Outcome != api.OutcomeAllowed || d.Action != "kms:ReEncryptTo" {
		t.Errorf("%+v", d)
	}
	in.Action = new("kms:ReEncryptFrom")
	if d := o.decision(in); d.Outcome != api.OutcomeImplicitDeny || d.Action != "kms:ReEncryptFrom" {
		t.Errorf("%+v", d)
	}
	in.Action, in.KeyId = new("kms:CreateKey"), nil
	if d := o.decision(in); d.Outcome != api.OutcomeImplicitDeny || d.Resource != "*" {
		t.Errorf("%+v", d)
	}
	if _, _, err := o.as(root, "DisableKey", &api.DisableKeyRequest{KeyId: &k.ID}); err != nil {
		t.Fatal(err)
	}
	out, err = o.explain(mayDecrypt(root, k))
	if err != nil || out.Decisions[0].Outcome != api.OutcomeAllowed || len(out.Notes) != 1 || !strings.Contains(out.Notes[0], "is disabled") {
		t.Errorf("%+v, %v", out, err)
	}
}

// Sessions of roles are explained with the policies of the role.
func TestExplainRoles(t *testing.T) {
	o := newExplainTest(t)
	r := identity.Role{Entity: identity.Entity{Account: explainAccount, Name: "Deploy", Path: "/ci/", ID: "AROA1", Disabled: true,
		Inline: []identity.InlinePolicy{{Name: "own", Document: doc(`{"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Condition": {"StringLike": {"aws:userid": "AROA1:*"}}}`)}}}}
	o.write(func(tx *store.Tx) error { return records.Roles.Put(tx, records.NamedPath(explainAccount, r.Name), r) })
	k := o.key(root, "")
	for arn, notes := range map[string]int{r.ARN(): 3, r.SessionARN("build-7"): 2} {
		out, err := o.explain(mayDecrypt(identity.Principal{ARN: arn}, k))
		if err != nil {
			t.Fatal(err)
		}
		d := out.Decisions[0]
		if d.Outcome != api.OutcomeAllowed || len(out.Notes) != notes || d.By.Document != "the inline policy own of "+r.ARN() || !strings.Contains(out.PrincipalArn, ":assumed-role/Deploy/") {
			t.Errorf("%s: %+v", arn, out)
		}
	}
	for _, arn := range []string{"arn:aws:iam::111122223333:role/Deploy", "arn:aws:sts::111122223333:assumed-role/deploy/x", "arn:aws:iam::111122223333:user/nobody"} {
		_, err := o.explain(mayDecrypt(identity.Principal{ARN: arn}, k))
		wantRefusal(t, err, key.KindNotFound, "There is no principal")
	}
}

// An explanation reveals no more about another account than its principals could find out.
func TestExplainOtherAccounts(t *testing.T) {
	o := newExplainTest(t)
	elsewhere := identity.Root(explainOther)
	alice, mallory := o.user(explainAccount, "alice", doc(mayAll)), o.user(explainOther, "mallory", doc(mayEncrypt))
	toOther := strings.NewReplacer(explainAccount, explainOther, `"Account"`, `"Other"`).Replace(toAccount)
	own := o.key(root, doc(toAccount, toOther))
	theirs, closed := o.key(elsewhere, doc(toOther, toAccount)), o.key(elsewhere, "")

	// A principal of the other account, and a key of this account: the explanation shows only the
	// side of this account.
	d := o.decision(mayDecrypt(mallory, own))
	if last := d.Documents[len(d.Documents)-1]; d.Outcome != api.OutcomeOtherAccount || d.ErrorCode != nil || !last.Withheld || len(last.Statements) != 0 || !d.Documents[0].Statements[1].Matched {
		t.Errorf("%+v", d)
	}
	d = o.decision(mayDecrypt(mallory, o.key(root, "")))
	if d.Outcome != api.OutcomeImplicitDeny || d.Reason != "because no resource-based policy allows the kms:Decrypt action" || d.ErrorMessage != nil {
		t.Errorf("%+v", d)
	}
	if d = o.decision(mayDecrypt(elsewhere, own)); d.Outcome != api.OutcomeAllowed {
		t.Errorf("%+v", d)
	}
	// The explanation does not reveal whether a foreign principal exists.
	if d = o.decision(mayDecrypt(identity.Principal{ARN: "arn:aws:iam::" + explainOther + ":user/nobody"}, own)); d.Outcome != api.OutcomeOtherAccount {
		t.Errorf("%+v", d)
	}

	// A principal of this account, and a key of the other account: the explanation does not show
	// the key policy.
	d = o.decision(mayDecrypt(alice, theirs))
	if d.Outcome != api.OutcomeAllowed || d.By.Sid != "" || d.By.Line != 0 || !d.Documents[0].Withheld || len(d.Documents[0].Statements) != 0 || d.Documents[1].Statements[0].Sid != "Use" {
		t.Errorf("%+v by %+v", d, d.By)
	}
	d = o.decision(mayDecrypt(alice, closed))
	if d.Outcome != api.OutcomeImplicitDeny || d.Reason != "because no resource-based policy allows the kms:Decrypt action" || !d.Documents[0].Withheld || d.GrantsRead != 0 {
		t.Errorf("%+v", d)
	}
	// If the account may not know whether a key of the other account exists, a missing key gets
	// the same explanation.
	bob := o.user(explainAccount, "bob", doc(mayEncrypt))
	missing := closed
	missing.ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
	there, gone := o.decision(mayDecrypt(bob, closed)), o.decision(mayDecrypt(bob, missing))
	if a, b := fmt.Sprintf("%+v %s", there, *there.ErrorMessage), fmt.Sprintf("%+v %s", gone, *gone.ErrorMessage); strings.ReplaceAll(trimPointers(a), closed.ID, missing.ID) != trimPointers(b) {
		t.Errorf("a key that is there\n%s\nand one that is not\n%s", a, b)
	}

	// A principal and a key of the other account: only the other account gets the explanation.
	for _, in := range []*api.ExplainDecisionRequest{
		mayDecrypt(mallory, theirs),
		{PrincipalArn: &mallory.ARN, Action: new("kms:Decrypt"), KeyId: new("alias/pay")},
		{PrincipalArn: &mallory.ARN, Action: new("kms:CreateKey")},
		{PrincipalArn: &mallory.ARN, Action: new("kms:DeleteAlias"), KeyId: new("alias/pay")},
	} {
		_, err := o.explain(in)
		wantRefusal(t, err, key.KindAccessDenied, "Neither the principal "+mallory.ARN)
	}
	if _, _, err := o.as(mallory, "ExplainDecision", mayDecrypt(mallory, theirs)); err == nil {
		t.Error("a user without permission for ExplainDecision gets an explanation")
	}
}

// trimPointers removes the addresses from a printed value.
func trimPointers(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		if name, _, ok := strings.Cut(w, ":0x"); ok {
			words[i] = name
		}
	}
	return strings.Join(words, " ")
}

func wantRefusal(t *testing.T, err error, kind key.Kind, part string) {
	t.Helper()
	if e, ok := err.(*key.Error); !ok || e.Kind != kind || !strings.Contains(e.Message, part) {
		t.Errorf("got %v, want %s …%s…", err, kind, part)
	}
}

// One decision is explained at a time. A limited number of calls of an account waits; further
// calls are throttled. Calls of another account do not count.
func TestExplanationsHaveABound(t *testing.T) {
	o := newExplainTest(t)
	alice := o.user(explainAccount, "alice", doc(mayAll))
	in := &api.ExplainDecisionRequest{PrincipalArn: &alice.ARN, Action: new("kms:ListKeys")}
	if err := o.explaining.Enter(t.Context(), "somebody"); err != nil {
		t.Fatal(err)
	}
	answers := make(chan error)
	for range explaining.PerName {
		go func() {
			_, err := o.explain(in)
			answers <- err
		}()
	}
	for o.explaining.Waiting() < explaining.PerName {
		time.Sleep(time.Millisecond)
	}
	_, err := o.explain(in)
	wantRefusal(t, err, key.KindThrottling, "Too many decisions")
	go func() {
		_, _, err := o.as(identity.Root(explainOther), "ExplainDecision", &api.ExplainDecisionRequest{PrincipalArn: new(identity.Root(explainOther).ARN), Action: new("kms:ListKeys")})
		answers <- err
	}()
	for o.explaining.Waiting() <= explaining.PerName {
		time.Sleep(time.Millisecond)
	}
	o.explaining.Leave()
	for range explaining.PerName + 1 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
	if _, err := o.explain(in); err != nil { // the place is free again
		t.Error(err)
	}
}
