package policy_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/keyhold/keyhold/internal/policy"
)

// counts is the number of random requests by kind.
type counts map[string]uint64

// The kinds that must occur, so that the requests test all rules.
var kinds = []string{
	"allowed", "explicitly denied", "implicitly denied",
	"allowed by key policy alone", "allowed by delegation", "allowed by grant",
	"allowed by grant to an account that delegates", "allowed across accounts", "allowed across accounts by grant",
	"allowed by trust policy", "allowed with a token", "allowed without policy of the resource",
	"allowed to a root", "allowed child grant", "allowed under a constraint", "allowed beyond a boundary", "allowed beyond a session policy",
	"limited by a boundary", "limited by a session policy", "limited by a condition",
	"denied by key policy", "denied by identity", "denied by boundary", "denied by session policy",
}

// check logs the counts among n requests. In a long test, it requires a minimum of each kind.
func (c counts) check(t *testing.T, n uint64) {
	t.Helper()
	for _, kind := range kinds {
		t.Logf("%8d %5.1f %% %s", c[kind], 100*float64(c[kind])/float64(n), kind)
		if n >= 20_000 && c[kind] == 0 {
			t.Errorf("none of %d requests is %s", n, kind)
		}
	}
	if n >= 20_000 && c["allowed"] < n/5 {
		t.Errorf("only %d of %d requests are allowed", c["allowed"], n)
	}
	for _, kind := range slices.Sorted(maps.Keys(c)) {
		if !slices.Contains(kinds, kind) {
			t.Errorf("a count that nothing logs: %s", kind)
		}
	}
}

// add counts a question that the engine and the naive evaluator agree on.
func (c counts) add(q question) {
	v := q.naive()
	c[v.String()]++
	switch {
	case v.explicit:
		c.addDenied(q)
	case v.allowed:
		c.addAllowed(q)
		c.addBeyond(q)
	default:
		c.addLimited(q)
	}
}

func (c counts) when(holds bool, kind string) {
	if holds {
		c[kind]++
	}
}

func (c counts) addAllowed(q question) {
	within := q.Principal.Account == q.Owner
	web := q.Principal.Kind == policy.WebIdentity
	grant := !q.without("Grants").naive().allowed
	delegated := within && q.Principal.Kind != policy.Account && !q.without("Identity").naive().allowed
	constrained := slices.ContainsFunc(q.Grants, constrains)
	c.when(web, "allowed with a token")
	c.when(q.Policy == nil, "allowed without policy of the resource")
	c.when(q.ResourceIs == "trust" && !web, "allowed by trust policy")
	c.when(q.Principal.Kind == policy.Account, "allowed to a root")
	c.when(!within && !web, "allowed across accounts")
	c.when(!within && grant, "allowed across accounts by grant")
	c.when(within && grant && !delegated, "allowed by grant")
	c.when(grant && delegated, "allowed by grant to an account that delegates")
	c.when(grant && constrained, "allowed under a constraint")
	c.when(grant && q.Child != nil, "allowed child grant")
	c.when(q.ResourceIs == "key" && !grant && delegated, "allowed by delegation")
	c.when(q.ResourceIs == "key" && within && !grant && !delegated, "allowed by key policy alone")
}

// addBeyond counts requests that are allowed although a boundary or a session policy does not allow them.
func (c counts) addBeyond(q question) {
	if q.Principal.Kind == policy.Account || q.Principal.Kind == policy.WebIdentity || q.Principal.Account != q.Owner {
		return
	}
	alone := func(documents ...map[string]any) bool {
		q := q
		q.Owner, q.Policy, q.Boundary, q.Session, q.Grants = q.Principal.Account, nil, nil, nil, nil
		q.Identity = documents
		return q.naive().allowed
	}
	c.when(q.Boundary != nil && !alone(q.Boundary), "allowed beyond a boundary")
	c.when(q.Session != nil && !alone(q.Session...), "allowed beyond a session policy")
}

func (c counts) addLimited(q question) {
	c.when(q.without("Boundary").naive().allowed, "limited by a boundary")
	c.when(q.without("Session").naive().allowed, "limited by a session policy")
	c.when(q.unconditional().naive().allowed, "limited by a condition")
}

func (c counts) addDenied(q question) {
	only := func(rest ...string) bool { return q.without(rest...).naive().explicit }
	c.when(only("Identity", "Boundary", "Session"), "denied by key policy")
	c.when(only("Policy", "Boundary", "Session"), "denied by identity")
	c.when(only("Policy", "Identity", "Session"), "denied by boundary")
	c.when(only("Policy", "Identity", "Boundary"), "denied by session policy")
}

// without returns the question without some of its members.
func (q question) without(members ...string) question {
	for _, member := range members {
		switch member {
		case "Policy":
			q.Policy = nil
		case "Identity":
			q.Identity = nil
		case "Boundary":
			q.Boundary = nil
		case "Session":
			q.Session = nil
		case "Grants":
			q.Grants = nil
		}
	}
	return q
}

// unconditional returns the question without the conditions of its Allow statements.
func (q question) unconditional() question {
	plain := func(document map[string]any) map[string]any {
		if document == nil {
			return nil
		}
		document = maps.Clone(document)
		var statements []any
		for _, s := range document["Statement"].([]any) {
			s := maps.Clone(s.(map[string]any))
			if s["Effect"] == "Allow" {
				delete(s, "Condition")
			}
			statements = append(statements, s)
		}
		document["Statement"] = statements
		return document
	}
	q.Policy, q.Boundary = plain(q.Policy), plain(q.Boundary)
	q.Identity, q.Session = slices.Clone(q.Identity), slices.Clone(q.Session)
	for i := range q.Identity {
		q.Identity[i] = plain(q.Identity[i])
	}
	for i := range q.Session {
		q.Session[i] = plain(q.Session[i])
	}
	return q
}
