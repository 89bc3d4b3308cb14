package policy

import (
	"slices"

	"github.com/keyhold/keyhold/internal/key"
)

// policy compiles the draft.
func (d *draft) policy() *Policy {
	p := &Policy{kind: d.kind}
	for i := range d.statements {
		s := d.statements[i].compile(d.version == "2012-10-17")
		s.index = i
		p.statements = append(p.statements, s)
		for _, name := range d.statements[i].principals.names() {
			if !slices.Contains(p.named, name) {
				p.named = append(p.named, name)
			}
		}
	}
	return p
}

// compile returns the statement. In versions of the language before 2012-10-17
// there are no variables.
func (s *draftStatement) compile(variables bool) statement {
	line, column := position(s.r.text, s.at)
	c := statement{
		sid: s.sid.text, line: line, column: column, deny: s.effect == "Deny", idle: s.idle(),
		principals: s.principals.compile(), notPrincipal: s.notPrincipal,
		notAction: s.notAction, notResource: s.notResource,
	}
	c.actions = newPatterns(lower(texts(s.actions)), syntax{wildcards: true}, anyText)
	// "IAM policy elements: Variables and tags": "You can use a policy variable in
	// the Resource element, but only in the resource portion of the ARN. This
	// portion of the ARN appears after the fifth colon (:)."
	c.resources = newPatterns(texts(s.resources), syntax{true, variables, 5}, ofResource)
	for _, d := range s.conditions {
		condition := newCondition(d.operator, d.key, d.values, variables)
		c.byARN = c.byARN || condition.names()
		c.conditions = append(c.conditions, condition)
	}
	return c
}

// idle returns the element that the statement has no effect without.
func (s *draftStatement) idle() string {
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

// names returns all principals but the *.
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

func texts(words []word) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.text
	}
	return all
}
