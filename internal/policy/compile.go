package policy

import (
	"slices"

	"github.com/keyhold/keyhold/internal/key"
)

// policy compiles the draft.
func (d *draft) policy() *Policy {
	c := compiler{d.version == "2012-10-17", map[string]*contextKey{}, map[string]*operator{}}
	p := &Policy{kind: d.kind, statements: make([]statement, len(d.statements))}
	named := map[key.Principal]bool{}
	for i := range d.statements {
		p.statements[i] = c.statement(&d.statements[i])
		p.statements[i].index = i
		for _, name := range d.statements[i].principals.names() {
			if !named[name] {
				named[name] = true
				p.named = append(p.named, name)
			}
		}
	}
	p.named = slices.Clip(p.named)
	return p
}

// A compiler compiles the statements of one document. Statements share condition keys and operators.
type compiler struct {
	variables bool // false for language versions before 2012-10-17
	keys      map[string]*contextKey
	operators map[string]*operator
}

// key returns the condition key with the name.
func (c *compiler) key(name string) *contextKey {
	k := c.keys[name]
	if k == nil {
		k = new(findKey(name))
		c.keys[name] = k
	}
	return k
}

func (c *compiler) operator(name string) *operator {
	o := c.operators[name]
	if o == nil {
		o = new(findOperator(name))
		c.operators[name] = o
	}
	return o
}

// statement compiles a statement.
func (c *compiler) statement(s *draftStatement) statement {
	to := statement{
		sid: s.sid.text, line: s.place.line, column: s.place.column, deny: s.effect == "Deny", idle: s.missingElement(),
		principals: s.principals.compile(), notPrincipal: s.notPrincipal,
		notAction: s.notAction, notResource: s.notResource,
	}
	to.actions = newPatterns(lower(textsOf(s.actions)), syntax{wildcards: true}, anyText)
	// "IAM policy elements: Variables and tags": "You can use a policy variable in
	// the Resource element, but only in the resource portion of the ARN. This
	// portion of the ARN appears after the fifth colon (:)."
	to.resources = newPatterns(textsOf(s.resources), syntax{true, c, 5}, ofResource)
	to.conditions = make([]condition, len(s.conditions))
	for i, d := range s.conditions {
		to.conditions[i] = c.condition(d)
		to.byARN = to.byARN || to.conditions[i].names()
	}
	return to
}

// missingElement returns the missing element without which the statement has no effect, or "".
func (s *draftStatement) missingElement() string {
	switch {
	case !s.action:
		return "Action"
	case !s.resource && s.kind != TrustPolicy:
		return "Resource"
	}
	return ""
}

func (p *draftPrincipals) compile() principals {
	sorted := func(names []string) []string { return slices.Sorted(slices.Values(names)) }
	return principals{p.everyone, sorted(p.accounts), sorted(p.arns), sorted(p.federated)}
}

// names returns all principals except the *.
func (p *draftPrincipals) names() (all []key.Principal) {
	for _, account := range p.accounts {
		all = append(all, key.Principal(rootPrefix+account+rootSuffix))
	}
	for _, names := range [][]string{p.arns, p.federated, p.services} {
		for _, name := range names {
			all = append(all, key.Principal(name))
		}
	}
	return all
}

func textsOf(words []word) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.text
	}
	return all
}
