package service

import (
	"testing"

	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/store"
)

const usePolicy = "arn:aws:iam::111122223333:policy/p/use"

func (p people) managed(document string) {
	p.Helper()
	p.update(func(tx *store.Tx) error {
		return managedPolicies.Put(tx, homeAccount+"/use", identity.ManagedPolicy{Account: homeAccount, Name: "use", Path: "/p/", Document: document})
	})
}

func (p people) documents(who identity.Principal) policy.Documents {
	p.Helper()
	d, err := p.documentsOf(p.Context(), who)
	if err != nil {
		p.Fatal(err)
	}
	return d
}

func TestDocuments(t *testing.T) {
	p := newPeople(t)
	p.managed(allowAll)
	p.user("alice", func(u *identity.User) {
		u.Inline = []identity.InlinePolicy{{Name: "in", Document: allowAll}}
		u.Attached, u.Boundary = []string{usePolicy}, usePolicy
	})
	d := p.documents(p.as("alice"))
	if len(d.Identity) != 2 || d.Identity[0].Name != "the inline policy in of arn:aws:iam::111122223333:user/alice" || d.Identity[1].Name != usePolicy ||
		d.Boundary.Policy == nil || d.Boundary.Policy != d.Identity[0].Policy || d.Session != nil || d.Resource.Policy != nil {
		t.Errorf("%+v", d) // one text is compiled once
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
	p.update(func(tx *store.Tx) error { return managedPolicies.Delete(tx, homeAccount+"/use") })
	gone := p.documents(k.Principal)
	r := policy.Request{Principal: policyPrincipal(k.Principal), Action: "kms:ListKeys", Resource: "*", Owner: homeAccount}
	gone.Identity = d.Identity
	if len(gone.Session) != 1 || policy.Decide(r, gone, nil).Allowed {
		t.Error("without its session policies the session is limited no more")
	}
	if _, err := p.documentsOf(t.Context(), p.as("alice")); err == nil {
		t.Error("a managed policy is missing, which may be one that denies")
	}
}

func TestDocumentsThatDoNotParse(t *testing.T) {
	p := newPeople(t)
	p.managed("{")
	p.user("alice", func(u *identity.User) { u.Boundary = usePolicy })
	if _, err := p.documentsOf(t.Context(), p.as("alice")); err == nil {
		t.Error("a boundary that does not parse is none")
	}
}

func TestCompiledPoliciesAreBounded(t *testing.T) {
	var c compiledPolicies
	if _, err := c.get(allowAll, policy.IdentityPolicy); err != nil {
		t.Fatal(err)
	}
	c.size = maxCompiled
	if _, err := c.get(allowAll+" ", policy.IdentityPolicy); err != nil || len(c.kept) != 1 || c.size != len(allowAll)+1 {
		t.Errorf("%d of %d bytes are kept, %v", len(c.kept), c.size, err)
	}
	if _, err := c.get(allowAll, policy.KeyPolicy); err == nil {
		t.Error("a policy of another type is taken from what is kept")
	}
}
