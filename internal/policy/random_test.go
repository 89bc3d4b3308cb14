package policy_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// The names in random requests. There are few of them, so that they often match.
var (
	accounts = []string{"111111111111", "222222222222"}
	users    = []string{"alice", "bob", "team/carol"}
	roles    = []string{"worker", "team/worker", "auditor"}
	sessions = []string{"s1", "s2"}
	regions  = []string{"us-east-1", "us-west-2"}
	keyIDs   = []string{"1234abcd-12ab-34cd-56ef-1234567890ab", "mrk-1234abcd12ab34cd56ef1234567890ab"}

	cryptographic = []string{"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"}
	management    = []string{"kms:DescribeKey", "kms:RetireGrant", "kms:CreateGrant", "kms:DisableKey"}
	resourceless  = []string{"kms:ListKeys", "kms:CreateKey"}
	provider      = "id.example"
)

// A generator generates the parts of one question.
type generator struct {
	*rand.Rand
	q *question
}

// randomQuestion returns a question about a key, a role, or a resource that has no policy.
func randomQuestion(r *rand.Rand) question {
	w := generator{r, &question{}}
	w.q.Owner = accounts[0]
	w.q.Time = time.Date(2026, 1, 31, 12, w.IntN(3), 0, 0, time.UTC).In(time.FixedZone("", 3600*w.IntN(3)))
	w.q.Values = w.values()
	switch n := w.IntN(100); {
	case n < 70:
		w.aboutKey()
	case n < 85:
		w.aboutRole()
	default:
		w.aboutOther()
	}
	if w.chance(5) {
		w.q.Values = nil
	}
	return *w.q
}

func (w generator) aboutKey() {
	q := w.q
	q.ResourceIs = "key"
	id := one(w, keyIDs)
	q.Resource = key.ARN(q.Owner, one(w, regions), "key/"+id)
	q.Principal = w.principal(25)
	q.Action = one(w, slices.Concat(cryptographic, management))
	if slices.Contains(cryptographic, q.Action) && w.chance(90) {
		q.HasContext, q.Context = true, w.context()
	}
	q.Policy = w.document("key")
	w.principalDocuments()
	if w.chance(40) || q.Action == "kms:CreateGrant" {
		for range 1 + w.IntN(3) {
			q.Grants = append(q.Grants, w.grant())
		}
	}
	if q.Action == "kms:CreateGrant" {
		q.Child = w.child()
	}
}

func (w generator) aboutRole() {
	q := w.q
	q.ResourceIs = "trust"
	q.Resource = "arn:aws:iam::" + q.Owner + ":role/" + one(w, roles)
	q.Action = "sts:AssumeRole"
	if w.chance(50) {
		q.Action = "sts:AssumeRoleWithWebIdentity"
		q.Principal = policy.Principal{Kind: policy.WebIdentity, ARN: w.providerARN()}
	} else {
		q.Principal = w.principal(25)
	}
	q.Policy = w.document("trust")
	w.principalDocuments()
}

// aboutOther makes the question one about an alias, or about an action without a resource.
func (w generator) aboutOther() {
	q := w.q
	q.Principal = w.principal(10)
	if w.chance(50) {
		q.Action, q.Resource = one(w, resourceless), "*"
	} else {
		q.Action, q.Resource = "kms:CreateAlias", key.ARN(q.Owner, one(w, regions), "alias/"+one(w, []string{"alice", "red"}))
	}
	w.principalDocuments()
	if w.chance(10) {
		q.Grants = append(q.Grants, w.grant())
	}
}

// principalDocuments gives the principal policies, sometimes even if its kind cannot have policies.
func (w generator) principalDocuments() {
	kind := w.q.Principal.Kind
	none := kind == policy.Account || kind == policy.WebIdentity
	if none && w.chance(70) {
		return
	}
	for range w.IntN(3) {
		w.q.Identity = append(w.q.Identity, w.document("identity"))
	}
	if w.chance(25) {
		w.q.Boundary = w.document("identity")
	}
	if kind == policy.AssumedRole && w.chance(30) || w.chance(3) {
		for range 1 + w.IntN(2) {
			w.q.Session = append(w.q.Session, w.document("identity"))
		}
	}
}

// principal returns a user, a session or a root. foreign is the percentage of principals from other accounts
// than the owner's.
func (w generator) principal(foreign int) policy.Principal {
	account := accounts[0]
	if w.chance(foreign) {
		account = accounts[1]
	}
	switch n := w.IntN(100); {
	case n < 40:
		return policy.Principal{Kind: policy.User, Account: account, ARN: w.userARN(account)}
	case n < 85:
		role := one(w, roles)
		return policy.Principal{
			Kind: policy.AssumedRole, Account: account,
			ARN:     "arn:aws:sts::" + account + ":assumed-role/" + baseName(role) + "/" + one(w, sessions),
			RoleARN: "arn:aws:iam::" + account + ":role/" + role,
		}
	}
	return policy.Principal{Kind: policy.Account, Account: account, ARN: rootARN(account)}
}

// someName returns the name of a principal as policies and grants use it, often the requesting principal, its
// role or its account.
func (w generator) someName() string {
	p := w.q.Principal
	if p.Account == "" || w.chance(35) {
		account := one(w, accounts)
		return one(w, []string{
			rootARN(account), w.userARN(account),
			"arn:aws:iam::" + account + ":role/" + one(w, roles),
			"arn:aws:sts::" + account + ":assumed-role/" + baseName(one(w, roles)) + "/" + one(w, sessions),
		})
	}
	if p.Kind == policy.AssumedRole && w.chance(30) {
		return p.RoleARN
	}
	if w.chance(50) {
		return rootARN(p.Account)
	}
	return p.ARN
}

func (w generator) userARN(account string) string {
	return "arn:aws:iam::" + account + ":user/" + one(w, users)
}

func (w generator) providerARN() string {
	return "arn:aws:iam::" + accounts[0] + ":oidc-provider/" + one(w, []string{provider, provider, "other.example/path"})
}

func rootARN(account string) string { return "arn:aws:iam::" + account + ":root" }

// baseName returns the name of a role without its path.
func baseName(role string) string { return role[strings.LastIndex(role, "/")+1:] }

// context returns an encryption context.
func (w generator) context() map[string]string {
	c := map[string]string{}
	for range w.IntN(3) {
		c[one(w, []string{"dept", "Dept", "proj"})] = one(w, []string{"it", "hr"})
	}
	return c
}

// grant returns a grant on the key of the question.
func (w generator) grant() key.Grant {
	parts := strings.Split(w.q.Resource, ":")
	g := key.Grant{
		ID: strings.Repeat("0123456789abcdef", 4), IssuingAccount: w.q.Owner, CreationDate: w.q.Time,
		Account: w.q.Owner, Region: regions[0], KeyID: keyIDs[0],
		Grantee: key.Principal(w.someName()),
	}
	if w.q.ResourceIs == "key" {
		g.Region, g.KeyID = parts[3], strings.TrimPrefix(parts[5], "key/")
	}
	operations := map[string]bool{"CreateGrant": w.chance(50)}
	for range 1 + w.IntN(4) {
		operations[strings.TrimPrefix(one(w, slices.Concat(cryptographic, management[:3])), "kms:")] = true
	}
	for name, ok := range operations {
		if ok {
			g.Operations = append(g.Operations, name)
		}
	}
	slices.Sort(g.Operations)
	if w.chance(40) {
		g.Constraints = w.constraints()
	}
	return g
}

// child returns a grant to create, which is often similar to an existing one.
func (w generator) child() *key.Grant {
	child := w.grant()
	parent := one(w, w.q.Grants)
	if w.chance(80) {
		child.Operations = parent.Operations[w.IntN(len(parent.Operations)):]
	}
	if w.chance(70) {
		child.Constraints = parent.Constraints
	}
	if c := &child.Constraints; w.chance(30) {
		c.ContextEquals, c.ContextSubset = c.ContextSubset, c.ContextEquals
	} else if c.ContextSubset != nil && w.chance(30) {
		c.ContextSubset = maps.Clone(c.ContextSubset)
		c.ContextSubset["more"] = "it"
	}
	return &child
}

func (w generator) constraints() (c key.GrantConstraints) {
	if w.chance(35) {
		c.ContextEquals = w.context()
	}
	if w.chance(35) {
		c.ContextSubset = w.context()
	}
	if w.chance(25) {
		c.SourceARN = one(w, sourceARNs)
	}
	return c
}

func constrains(g key.Grant) bool {
	return g.Constraints.ContextEquals != nil || g.Constraints.ContextSubset != nil || g.Constraints.SourceARN != ""
}

// chance returns true with a probability of percent in a hundred.
func (w generator) chance(percent int) bool { return w.IntN(100) < percent }

// one returns one of the elements.
func one[T any](w generator, all []T) T { return all[w.IntN(len(all))] }

// some returns an element or a list of up to three, because policies allow both.
func some(w generator, element func() any) any {
	if w.chance(50) {
		return element()
	}
	var all []any
	for range 1 + w.IntN(3) {
		all = append(all, element())
	}
	return all
}

// unquote returns a number or a Boolean without quotation marks.
func unquote(text string) any { return json.RawMessage(text) }
