package service

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

const usePolicy = "arn:aws:iam::111122223333:policy/p/use"

func (p people) managedPolicy(document string) {
	p.Helper()
	p.update(func(tx *store.Tx) error {
		return records.ManagedPolicies.Put(tx, homeAccount+"/use", identity.ManagedPolicy{Account: homeAccount, Name: "use", Path: "/p/", Document: document})
	})
}

func (p people) documents(who identity.Principal) policy.Documents {
	p.Helper()
	d, err := p.documentsOf(p.newest(p.Context(), nil), who)
	if err != nil {
		p.Fatal(err)
	}
	return d
}

func TestDocuments(t *testing.T) {
	p := newPeople(t)
	p.managedPolicy(allowAll)
	p.user("alice", func(u *identity.User) {
		u.Inline = []identity.InlinePolicy{{Name: "in", Document: allowAll}}
		u.Attached, u.Boundary = []string{usePolicy}, usePolicy
	})
	d := p.documents(p.as("alice"))
	if len(d.Identity) != 2 || d.Identity[0].Name != "the inline policy in of arn:aws:iam::111122223333:user/alice" || d.Identity[1].Name != usePolicy ||
		d.Boundary.Policy == nil || d.Boundary.Policy != d.Identity[0].Policy || d.Session != nil || d.Resource.Policy != nil {
		t.Errorf("%+v", d) // each text is compiled once
	}
	if d := p.documents(identity.Root(homeAccount)); d.Identity != nil || d.Boundary.Policy != nil {
		t.Errorf("%+v", d)
	}
	if d := p.documents(p.as("bob")); d.Identity != nil {
		t.Errorf("%+v", d)
	}
	out, err := p.assume(p.as("alice"), "deployer", func(in *sts.AssumeRoleRequest) {
		in.PolicyArns = []sts.PolicyDescriptorType{{Arn: new(usePolicy)}}
	})
	if err != nil {
		t.Fatal(err)
	}
	k, _ := p.session(out.Credentials)
	if d := p.documents(k.Principal); len(d.Session) != 1 || d.Session[0].Name != usePolicy || d.Identity != nil {
		t.Errorf("%+v", d)
	}
	p.update(func(tx *store.Tx) error { return records.ManagedPolicies.Delete(tx, homeAccount+"/use") })
	gone := p.documents(k.Principal)
	r := policy.Request{Principal: policyPrincipal(k.Principal), Action: "kms:ListKeys", Resource: "*", Owner: homeAccount}
	gone.Identity = d.Identity
	if len(gone.Session) != 1 || policy.Decide(r, gone, nil).Allowed {
		t.Error("without its session policies the session is limited no more")
	}
	if _, err := p.documentsOf(p.newest(t.Context(), nil), p.as("alice")); err == nil {
		t.Error("a managed policy is missing, which may be one that denies")
	}
}

func TestDocumentsThatDoNotParse(t *testing.T) {
	p := newPeople(t)
	p.managedPolicy("{")
	p.user("alice", func(u *identity.User) { u.Boundary = usePolicy })
	if _, err := p.documentsOf(p.newest(t.Context(), nil), p.as("alice")); err == nil {
		t.Error("a boundary that does not parse is ignored")
	}
}

// Compiled policies are counted by their memory while a text or a user has them. Room for a
// policy is made by dropping others.
func TestCompiledPoliciesAreBounded(t *testing.T) {
	var c compiledPolicies
	size := 0
	for i := 0; size < 2*maxCompiled; i++ {
		text := strings.Repeat(" ", i) + greedyPolicy
		p, err := c.get(text, policy.IdentityPolicy)
		if err != nil {
			t.Fatal(err)
		}
		size += p.Size() + len(text)
		c.keepDocuments(entityAt{arn: fmt.Sprint(i)}, policy.Documents{Identity: []policy.Document{{Policy: p}, {Policy: p}}, Boundary: policy.Document{Policy: p}})
		if c.size > maxCompiled || i%200 == 0 && c.size != c.countedSize() {
			t.Fatalf("%d bytes are kept and %d are counted, at most %d", c.countedSize(), c.size, maxCompiled)
		}
	}
	if c.size != c.countedSize() || c.size < maxCompiled*9/10 || len(c.texts) == 0 || len(c.entities) == 0 {
		t.Errorf("%d bytes are left, of %d texts and %d users", c.size, len(c.texts), len(c.entities))
	}
	if _, err := c.get(greedyPolicy, policy.KeyPolicy); err == nil {
		t.Error("a policy of another type is taken from the cache")
	}
	for len(c.texts)+len(c.entities) > 0 {
		c.dropText()
		c.dropEntity()
	}
	if c.size != 0 || len(c.held) != 0 {
		t.Errorf("%d bytes of nothing are counted", c.size)
	}
}

// The number of users and roles with kept policies is limited, too.
func TestGatheredPoliciesAreBounded(t *testing.T) {
	var c compiledPolicies
	for i := range maxKeptDocuments + 10 {
		c.keepDocuments(entityAt{serial: int64(i)}, policy.Documents{})
	}
	if _, ok := c.findDocuments(entityAt{serial: maxKeptDocuments + 9}); !ok || len(c.entities) != maxKeptDocuments {
		t.Errorf("%d users and roles are kept", len(c.entities))
	}
}

// greedyPolicy is a policy whose compiled form is many times as large as its text.
var greedyPolicy = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":["` + strings.Repeat(`*?","`, 1000) + `*"],"Condition":{"StringLike":{"aws:username":["` + strings.Repeat(`?a","`, 1000) + `"]}}}}`

// countedSize returns the size of everything that is kept.
func (c *compiledPolicies) countedSize() (size int) {
	all := map[*policy.Policy]bool{}
	for of, p := range c.texts {
		size += textEntry + len(of.text)
		all[p] = true
	}
	for _, d := range c.entities {
		for _, p := range policiesOf(d) {
			size += documentEntry
			all[p] = true
		}
	}
	for p := range all {
		size += p.Size()
	}
	return size
}
