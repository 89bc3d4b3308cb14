package service

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A changingOperation changes records, as alice requests it.
type changingOperation struct {
	onKey   bool // the decision depends on the policy of a key
	prepare func(c accessTest) (on string, members []string)
}

// onAKey returns an operation on a key that needs no preparation. The members are for CreateKey.
func onAKey(members string, ready ...func(c accessTest, on string)) changingOperation {
	return changingOperation{true, func(c accessTest) (string, []string) {
		on := c.keyLike(members)
		for _, fn := range ready {
			fn(c, on)
		}
		return on, nil
	}}
}

// does returns a preparation by the root.
func does(operation string, members ...string) func(c accessTest, on string) {
	return func(c accessTest, on string) { c.root().does(operation, on, members...) }
}

func withAlias(c accessTest, on string) {
	c.root().does("CreateAlias", on, `{"AliasName":"alias/old"}`)
}

// onAGrant returns an operation on a grant that the root created.
func onAGrant() changingOperation {
	return changingOperation{true, func(c accessTest) (string, []string) {
		on := c.key()
		id, _ := c.root().grants(on, "home", "Decrypt")
		return on, []string{`{"KeyId":"` + on + `","GrantId":"` + id + `"}`}
	}}
}

// importMembers gives the key of an import its material, and returns the members.
func importMembers(c accessTest, on string) string {
	wrapped := c.importMembers("home", on)
	if err := c.imports("home", on, wrapped)(); err != nil {
		c.Fatal(err)
	}
	return wrapped
}

// changingOperations are the operations of KMS and of dev servers that change records.
var changingOperations = map[string]changingOperation{
	"CancelKeyDeletion": onAKey(`{}`, does("ScheduleKeyDeletion")),
	"CreateAlias":       onAKey(`{}`),
	"CreateGrant":       onAKey(`{}`),
	"CreateKey":         {false, func(accessTest) (string, []string) { return "", nil }},
	"DeleteAlias":       onAKey(`{}`, withAlias),
	"DeleteImportedKeyMaterial": onAKey(`{"Origin":"EXTERNAL"}`, func(c accessTest, on string) {
		importMembers(c, on)
	}),
	"DisableKey":         onAKey(`{}`),
	"DisableKeyRotation": onAKey(`{}`),
	"EnableKey":          onAKey(`{}`, does("DisableKey")),
	"EnableKeyRotation":  onAKey(`{}`),
	"ImportKeyMaterial": {true, func(c accessTest) (string, []string) {
		on := c.keyLike(`{"Origin":"EXTERNAL"}`)
		return on, []string{importMembers(c, on)}
	}},
	"MoveClock": {false, func(accessTest) (string, []string) { return "", []string{`{"AdvanceSeconds":1}`} }},
	"PutKeyPolicy": {true, func(c accessTest) (string, []string) {
		return c.key(), []string{fmt.Sprintf(`{"Policy":%q}`, key.DefaultPolicy(homeAccount))}
	}},
	"RecreateKey":          {false, func(accessTest) (string, []string) { return "", nil }},
	"ReplicateKey":         onAKey(`{"MultiRegion":true}`),
	"RetireGrant":          onAGrant(),
	"RevokeGrant":          onAGrant(),
	"RotateKeyOnDemand":    onAKey(`{}`),
	"ScheduleKeyDeletion":  onAKey(`{}`),
	"SealRotate":           {false, func(accessTest) (string, []string) { return "", []string{`{"Key":"Root"}`} }},
	"TagResource":          onAKey(`{}`),
	"UntagResource":        onAKey(`{"Tags":[{"TagKey":"k","TagValue":"v"}]}`),
	"UpdateAlias":          onAKey(`{}`, withAlias),
	"UpdateKeyDescription": onAKey(`{}`),
	"UpdatePrimaryRegion":  onAKey(`{"MultiRegion":true}`, does("ReplicateKey")),
}

// administrations are the changes of identities. Only the root may make them.
var administrations = map[string]string{
	"DeleteIdentity":   `{"Kind":"user","Name":"alice"}`,
	"PutAccount":       `{"AccountId":"555566667777"}`,
	"PutPolicy":        `{"Name":"p","Document":"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}}"}`,
	"PutProvider":      `{"Url":"https://oidc.example.com","ClientIds":["x"]}`,
	"PutRole":          `{"Name":"r","Trust":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"111122223333\"},\"Action\":\"sts:AssumeRole\"}]}"}`,
	"PutUser":          `{"Name":"u","AccessKeys":1}`,
	"RevokeSessions":   `{"Kind":"user","Name":"alice"}`,
	"RotateAccessKey":  `{"Name":"alice"}`,
	"SealMigrate":      `{"To":"key-file:new.key"}`,
	"SetIdentityState": `{"Kind":"user","Name":"alice","Enabled":false}`,
}

// A revocation takes a permission from alice or from the root. It returns the function that
// gives the permission back.
type revocation struct {
	name   string
	revoke func(c accessTest, on string) (restore func())
}

// setKey changes an access key.
func (c accessTest) setKey(id string, inactive bool) {
	c.update(func(tx *store.Tx) error {
		k, _, err := records.AccessKeys.Get(tx, id)
		k.Inactive = inactive
		return errors.Join(err, records.AccessKeys.Put(tx, id, k))
	})
}

func offKey(id string) func(c accessTest, on string) func() {
	return func(c accessTest, _ string) func() {
		c.setKey(id, true)
		return func() { c.setKey(id, false) }
	}
}

func (c accessTest) alice() { c.user("alice", with(c.identity("allow kms:*,keyhold:*"))) }

var revocations = []revocation{
	{"the policy of the user", func(c accessTest, _ string) func() { c.user("alice"); return c.alice }},
	{"the access key", offKey("AKIAALICE")},
	{"the policy of the key", func(c accessTest, on string) func() {
		c.policy(on, c.document(true, "deny alice kms:*"))
		return func() { c.policy(on, key.DefaultPolicy(homeAccount)) }
	}},
}

// A revocation that is acknowledged before a change is committed takes effect: at whichever
// moment of the request it comes, the request is refused and nothing is changed.
func TestNoChangeOutrunsARevocation(t *testing.T) {
	table := operations(true)
	for _, name := range slices.Concat(slices.Collect(maps.Keys(changingOperations)), slices.Collect(maps.Keys(administrations))) {
		if o, ok := table[name]; !ok || o.ReadOnly {
			t.Errorf("%s is in a table of this test and changes nothing", name)
		}
	}
	for name, o := range table {
		of, on := changingOperations[name]
		administration, byRoot := administrations[name]
		switch {
		case o.ReadOnly:
			continue
		case !on && !byRoot:
			t.Errorf("%s changes something and is in no table of this test", name)
		case byRoot:
			t.Run(name, func(t *testing.T) {
				c, d := newInterruptibleTest(t)
				c.alice()
				c.revokesAtEachMoment(d.Backend, c.rootWithKey(), name, "", []string{administration}, revocation{"the access key", offKey(rootKey)})
			})
		default:
			for _, r := range revocations {
				if r.name == "the policy of the key" && (!of.onKey || name == "RetireGrant") {
					continue // this revocation does not concern the operation
				}
				t.Run(name+"/"+r.name, func(t *testing.T) {
					c, d := newInterruptibleTest(t)
					c.alice()
					on, members := of.prepare(c)
					c.revokesAtEachMoment(d.Backend, c.as("alice"), name, on, members, r)
				})
			}
		}
	}
}

// notAllowed are the refusals of a request without permission.
var notAllowed = []key.Kind{
	key.KindAccessDenied, key.KindUnrecognizedClient,
	key.KindInvalidGrantToken, key.KindNotFound, // for a grant
	key.KindMalformedPolicyDocument, // for a policy that names a removed user
}

// revokesAtEachMoment makes the revocation at each moment of a request in turn. In the end it lets the
// request succeed.
func (c accessTest) revokesAtEachMoment(backend store.Backend, a actor, operation, on string, members []string, r revocation) {
	c.Helper()
	for at := 1; ; at++ {
		var restore func()
		var before map[string]int64
		i := &interruption{at: at, fn: func() {
			restore = r.revoke(c, on)
			before = dump(c.T, backend)
		}}
		err := a.interruptedBy(i, operation, on, members...)
		if !i.interrupt {
			if err != nil || !i.committed {
				c.Errorf("%s is refused without a revocation: %v", operation, err)
			}
			if c.Logf("%d moments", at-1); at < 3 {
				c.Error("a request that reads nothing and commits nothing")
			}
			return
		}
		e, ok := errors.AsType[*key.Error](err)
		if !ok || !slices.Contains(notAllowed, e.Kind) {
			c.Errorf("%s, revoked at moment %d: %v", operation, at, err)
			return
		}
		if after := dump(c.T, backend); !maps.Equal(before, after) {
			c.Errorf("%s, revoked at moment %d, changed something", operation, at)
		}
		restore()
	}
}

// A revocationCase is a kind of record that a decision reads, and how to revoke the permission by
// it.
type revocationCase struct {
	revocation
	play func(c accessTest) (a actor, operation, on string, members []string)
}

// updates lets alice update the description of a key that policies allow.
func updates(keyPolicy string, ready func(c accessTest, on string)) func(c accessTest) (actor, string, string, []string) {
	return func(c accessTest) (actor, string, string, []string) {
		on := c.key(keyPolicy)
		ready(c, on)
		return c.as("alice"), "UpdateKeyDescription", on, nil
	}
}

const team = `{"Tags":[{"TagKey":"team","TagValue":"x"}]}`

var revocationCases = []revocationCase{
	{revocation{"the state of the user", func(c accessTest, _ string) func() {
		c.user("alice", with(c.identity("allow kms:*")), func(e *identity.Entity) { e.Disabled = true })
		return c.alice
	}}, updates("allow home kms:*", func(c accessTest, _ string) { c.alice() })},
	{revocation{"the user of the name", func(c accessTest, _ string) func() {
		c.people.user("alice", func(u *identity.User) {
			u.ID, u.Inline = "AIDAother", []identity.InlinePolicy{{Name: "p", Document: allowAll}}
		})
		return c.alice
	}}, updates("allow home kms:*", func(c accessTest, _ string) { c.alice() })},
	{revocation{"a tag of the user", func(c accessTest, _ string) func() {
		c.user("alice", tag("team", "y"))
		return func() { c.user("alice", tag("team", "x")) }
	}}, updates("allow alice kms:* if StringEquals aws:PrincipalTag/team x", func(c accessTest, _ string) { c.user("alice", tag("team", "x")) })},
	{revocation{"a managed policy", func(c accessTest, _ string) func() {
		c.managedPolicy("m", c.identity("deny kms:*"))
		return func() { c.managedPolicy("m", c.identity("allow kms:*")) }
	}}, updates("allow home kms:*", func(c accessTest, _ string) {
		arn := c.managedPolicy("m", c.identity("allow kms:*"))
		c.user("alice", func(e *identity.Entity) { e.Attached = []string{arn} })
	})},
	{revocation{"the boundary", func(c accessTest, _ string) func() {
		c.managedPolicy("boundary", c.identity("allow kms:DescribeKey"))
		return func() { c.managedPolicy("boundary", c.identity("allow kms:*")) }
	}}, updates("allow home kms:*", func(c accessTest, _ string) { c.user("alice", with(allowAll), c.boundary("allow kms:*")) })},
	{revocation{"a tag of the key", func(c accessTest, on string) func() {
		c.changeKey(on, func(k *key.Key) { k.Tags = nil })
		return func() { c.changeKey(on, func(k *key.Key) { k.Tags = []key.Tag{{Key: "team", Value: "x"}} }) }
	}}, func(c accessTest) (actor, string, string, []string) {
		c.user("alice")
		on := c.keyLike(team, "allow alice kms:* if StringEquals aws:ResourceTag/team x")
		return c.as("alice"), "UpdateKeyDescription", on, nil
	}},
	{revocation{"an alias of the key", func(c accessTest, on string) func() {
		a := key.Alias{Name: "alias/old", Account: homeAccount, Region: "eu-west-2", KeyID: idOf(on)}
		c.update(func(tx *store.Tx) error { return records.RemoveAlias(tx, a) })
		return func() { c.update(func(tx *store.Tx) error { return records.InsertAlias(tx, a) }) }
	}}, func(c accessTest) (actor, string, string, []string) {
		c.user("alice")
		on := c.key()
		withAlias(c, on)
		c.policy(on, c.document(true, "allow alice kms:* if ForAnyValue:StringEquals kms:ResourceAliases alias/old"))
		return c.as("alice"), "UpdateKeyDescription", on, nil
	}},
	{revocation{"the grant by which one creates grants", func(c accessTest, on string) func() { return c.withoutGrants(on) }}, func(c accessTest) (actor, string, string, []string) {
		c.user("alice")
		on := c.key()
		c.root().grants(on, "alice", "CreateGrant,Decrypt")
		return c.as("alice"), "CreateGrant", on, nil
	}},
	{revocation{"the grant of a token", func(c accessTest, on string) func() { return c.withoutGrants(on) }}, func(c accessTest) (actor, string, string, []string) {
		c.user("alice")
		on := c.key()
		_, token := c.root().grants(on, "alice", "CreateGrant,Decrypt")
		return c.as("alice"), "CreateGrant", on, []string{withGrantToken(token)}
	}},
	{revocation{"the grant that is retired", func(c accessTest, on string) func() { return c.withoutGrants(on) }}, func(c accessTest) (actor, string, string, []string) {
		c.user("alice")
		on := c.key()
		id, _ := c.root().grants(on, "home", "Decrypt", `{"RetiringPrincipal":"`+who("alice")+`"}`)
		return c.as("alice"), "RetireGrant", on, []string{`{"KeyId":"` + on + `","GrantId":"` + id + `"}`}
	}},
	{revocation{"the sessions of the role", func(c accessTest, _ string) func() {
		c.changeRole(func(r *identity.Role) { r.SessionsFrom = c.clock.Now() })
		return func() { c.changeRole(func(r *identity.Role) { r.SessionsFrom = r.Created }) }
	}}, bySession(nil)},
	{revocation{"the state of the role", func(c accessTest, _ string) func() {
		c.changeRole(func(r *identity.Role) { r.Disabled = true })
		return func() { c.changeRole(func(r *identity.Role) { r.Disabled = false }) }
	}}, bySession(nil)},
	{revocation{"the policy of the role", func(c accessTest, _ string) func() {
		c.changeRole(func(r *identity.Role) { r.Inline = nil })
		return func() { c.changeRole(func(r *identity.Role) { with(allowAll)(&r.Entity) }) }
	}}, bySession(nil)},
	{revocation{"a managed session policy", func(c accessTest, _ string) func() {
		c.managedPolicy("s", c.identity("deny kms:*"))
		return func() { c.managedPolicy("s", c.identity("allow kms:*")) }
	}}, bySession(func(s *identity.Session) { s.PolicyARNs = []string{"arn:aws:iam::" + homeAccount + ":policy/s"} })},
	{revocation{"the policies of another account", func(c accessTest, _ string) func() {
		c.user("other/zoe")
		return func() { c.user("other/zoe", with(allowAll)) }
	}}, func(c accessTest) (actor, string, string, []string) {
		c.user("other/zoe", with(allowAll))
		return c.as("other/zoe"), "CreateGrant", c.key("allow other kms:*"), nil
	}},
	{revocation{"the account of the deployment", func(c accessTest, _ string) func() {
		set := func(account string) {
			c.update(func(tx *store.Tx) error {
				return records.Deployments.Put(tx, records.DeploymentPath, records.Deployment{Account: account})
			})
		}
		set(otherAccount)
		return func() { set(homeAccount) }
	}}, func(c accessTest) (actor, string, string, []string) {
		return c.rootWithKey(), "PutUser", "", []string{`{"Name":"u"}`}
	}},
	{revocation{"a user that a new policy names", func(c accessTest, _ string) func() {
		c.update(func(tx *store.Tx) error { return records.Users.Delete(tx, homeAccount+"/bob") })
		return func() { c.user("bob") }
	}}, func(c accessTest) (actor, string, string, []string) {
		c.user("bob")
		policy := c.document(true, "allow home kms:*", "allow bob kms:Decrypt")
		return c.rootWithKey(), "PutKeyPolicy", c.key(), []string{fmt.Sprintf(`{"Policy":%q}`, policy)}
	}},
}

// bySession lets a session of a role update the description of a key.
func bySession(change func(*identity.Session)) func(c accessTest) (actor, string, string, []string) {
	return func(c accessTest) (actor, string, string, []string) {
		c.role("app", with(allowAll))
		c.managedPolicy("s", c.identity("allow kms:*"))
		return c.session("app", change), "UpdateKeyDescription", c.key(), nil
	}
}

func (c accessTest) changeRole(change func(*identity.Role)) {
	c.update(func(tx *store.Tx) error {
		r, _, err := records.Roles.Get(tx, homeAccount+"/app")
		change(&r)
		return errors.Join(err, records.Roles.Put(tx, homeAccount+"/app", r))
	})
}

// withoutGrants removes the grants on a key, and returns a function that creates them again.
func (c accessTest) withoutGrants(on string) func() {
	var all []store.Record[key.Grant]
	err := c.store.View(c.Context(), func(v *store.View) (err error) {
		all, err = records.Grants.Scan(v, records.KeyPath(homeAccount, "eu-west-2", idOf(on))+"/", "", 100)
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
	each := func(do func(*store.Tx, key.Grant) error) {
		for _, g := range all {
			c.update(func(tx *store.Tx) error { return do(tx, g.Value) })
		}
	}
	each(records.RemoveGrant)
	return func() { each(records.InsertGrant) }
}

// The revocation of any record on which a permission depends takes effect.
func TestNoChangeOutrunsAnyRevocation(t *testing.T) {
	for _, g := range revocationCases {
		t.Run(g.name, func(t *testing.T) {
			c, d := newInterruptibleTest(t)
			a, operation, on, members := g.play(c)
			c.revokesAtEachMoment(d.Backend, a, operation, on, members, g.revocation)
		})
	}
}

// guards are the kinds of record that guard others: a change of a guarded record also writes the
// guard. The number is how many segments of the path form the path of the guard.
var guards = map[string]struct {
	kind  string
	parts int
}{
	"user": {"account", 1}, "role": {"account", 1}, "managed-policy": {"account", 1},
	"key-text": {"key", 3}, "alias-of-key": {"alias-guard", 3}, "grant": {"grant-guard", 3}, "grant-of-grantee": {"grant-guard", 3}, "grant-match": {"grant-guard", 3},
}

// A preparedRequest is a request that somebody may make, and what must exist before it.
type preparedRequest struct {
	name    string
	prepare func(c accessTest) (a actor, operation, on string, members []string)
}

// changingRequests returns requests of all operations that change something.
func changingRequests() []preparedRequest {
	var all []preparedRequest
	for name, of := range changingOperations {
		all = append(all, preparedRequest{name, func(c accessTest) (actor, string, string, []string) {
			c.alice()
			on, members := of.prepare(c)
			return c.as("alice"), name, on, members
		}})
	}
	for name, members := range administrations {
		all = append(all, preparedRequest{name, func(c accessTest) (actor, string, string, []string) {
			c.alice()
			return c.rootWithKey(), name, "", []string{members}
		}})
	}
	for _, g := range revocationCases {
		all = append(all, preparedRequest{g.name, g.play})
	}
	return all
}

// A transaction checks all records that the request has read, directly or by a guard, so that a
// decision cannot depend on a record that the transaction does not check.
func TestTransactionsCheckWhatWasRead(t *testing.T) {
	for _, r := range changingRequests() {
		t.Run(r.name, func(t *testing.T) {
			c, d := newInterruptibleTest(t)
			a, operation, on, members := r.prepare(c)
			a.accessTest = d.open(t) // has nothing in memory
			i := &interruption{}
			if err := a.interruptedBy(i, operation, on, members...); err != nil || !i.committed {
				t.Fatal(err)
			}
			if len(i.reads) == 0 {
				t.Error("nothing was read before the transaction")
			}
			for _, read := range slices.Concat(i.reads, i.last) {
				if !i.isChecked(read) {
					t.Errorf("%s was read and is not checked", read)
				}
			}
		})
	}
}

func (i *interruption) isChecked(path string) bool {
	kind, rest, _ := strings.Cut(path, "/")
	if kind == "token-keys" { // opens the token of an import, and does not decide
		return true
	}
	if g, ok := guards[kind]; ok {
		guard := g.kind + "/" + strings.Join(strings.Split(rest, "/")[:g.parts], "/")
		return slices.Contains(i.checks, path) || slices.Contains(i.checks, guard)
	}
	return slices.Contains(i.checks, path)
}

// The transaction with the most checks, a rotation of 41 related keys by a session whose
// permissions depend on as many records as possible, is within the limits of every Backend.
func TestTheLargestTransactionFits(t *testing.T) {
	c, d := newInterruptibleTest(t)
	var attached []string
	for i := range 20 {
		attached = append(attached, c.managedPolicy(fmt.Sprint("m", i), allowAll))
	}
	c.role("app", func(e *identity.Entity) { e.Attached = attached }, c.boundary("allow kms:*"))
	on := c.keyLike(`{"MultiRegion":true}`)
	for i := range key.MaxReplicas {
		c.root().does("ReplicateKey", on, fmt.Sprintf(`{"ReplicaRegion":"eu-west-%d"}`, i+10))
	}
	a := c.session("app", func(s *identity.Session) { s.PolicyARNs = attached[:10] })
	a.accessTest = d.open(t)
	i := &interruption{}
	if err := a.interruptedBy(i, "RotateKeyOnDemand", on); err != nil {
		t.Fatal(err)
	}
	if t.Logf("%d checks", len(i.checks)); len(i.checks) < 41 || len(i.checks) > store.MaxBatch {
		t.Errorf("%d checks", len(i.checks))
	}
}
