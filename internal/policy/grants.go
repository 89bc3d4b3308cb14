package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
)

// considerGrants adds the permissions of grants to the verdict on the resource. Source: "Grants in AWS KMS" in
// the developer guide.
func (e *evaluation) considerGrants(v *verdict) {
	for i := range e.grants {
		g := &e.grants[i]
		to, missed := e.reachOfGrant(g)
		if to > v.to {
			v.to, v.by = to, Source{Grant: g.ID}
		}
		e.trace.grant(g, missed)
	}
}

// reachOfGrant returns the reach of a grant for the request, or the name of the part that does not match.
func (e *evaluation) reachOfGrant(g *key.Grant) (reach, string) {
	to := e.request.Principal.reachOf(g.Grantee)
	operation, _ := strings.CutPrefix(e.request.Action, "kms:")
	switch {
	case to == none:
		return none, "GranteePrincipal"
	case !slices.Contains(g.Operations, operation):
		return none, "Operations"
	case operation == "CreateGrant" && !mayCreate(g, e.request.Child):
		return none, "CreateGrant"
	}
	if missed := e.constraint(&g.Constraints, operation); missed != "" {
		return none, missed
	}
	return to, ""
}

// constraint returns the constraint that the request does not satisfy, or "". Source: "Using grant constraints"
// in the developer guide: encryption context constraints apply to operations with an encryption context, and
// SourceArn does not apply to RetireGrant.
func (e *evaluation) constraint(c *key.GrantConstraints, operation string) string {
	context := e.request.EncryptionContext
	switch {
	case e.request.HasContext && c.ContextEquals != nil && !samePairs(c.ContextEquals, context):
		return "EncryptionContextEquals"
	case e.request.HasContext && !includes(context, c.ContextSubset):
		return "EncryptionContextSubset"
	case c.SourceARN != "" && operation != "RetireGrant" && !e.comesFrom(c.SourceARN):
		return "SourceArn"
	}
	return ""
}

// comesFrom reports whether the request is made on behalf of the resource. The ARN is compared as with ArnLike.
func (e *evaluation) comesFrom(arn string) bool {
	values, _ := e.values(&contextKey{name: "aws:sourcearn", origin: listed})
	if len(values) != 1 || !isARN(values[0]) {
		return false
	}
	if values[0] == arn || !strings.ContainsAny(arn, "*?") {
		return values[0] == arn
	}
	return newAutomaton([]pattern{syntax{wildcards: true}.tokenize(arn)}, ofARN).match(values[0])
}

// FoldNames returns an encryption context with its names folded, because grant constraints compare names
// without regard to case and values exactly. Source: GrantConstraints in the API reference. If names differ
// only by case, ok is false and the context is returned unchanged; such a context satisfies no constraint that
// has pairs.
func FoldNames(context map[string]string) (folded map[string]string, ok bool) {
	if !hasOtherCase(context) {
		return context, true
	}
	folded = make(map[string]string, len(context))
	for name, value := range context {
		folded[Fold(name)] = value
	}
	if len(folded) < len(context) {
		return context, false
	}
	return folded, true
}

func hasOtherCase(context map[string]string) bool {
	for name := range context {
		for _, c := range name {
			if c != fold(c) {
				return true
			}
		}
	}
	return false
}

// samePairs reports whether two contexts have the same pairs.
func samePairs(a, b map[string]string) bool {
	a, okA := FoldNames(a)
	b, okB := FoldNames(b)
	return okA && okB && maps.Equal(a, b)
}

// includes reports whether context has all pairs of part.
func includes(context, part map[string]string) bool {
	if len(part) == 0 {
		return true
	}
	context, okContext := FoldNames(context)
	part, okPart := FoldNames(part)
	for k, v := range part {
		if value, ok := context[k]; !ok || value != v {
			return false
		}
	}
	return okContext && okPart
}

// mayCreate reports whether a grant allows the creation of child: child has no other operations and equally
// strict constraints. Source: "Granting CreateGrant permission" in the developer guide.
func mayCreate(parent, child *key.Grant) bool {
	if child == nil {
		return false
	}
	for _, operation := range child.Operations {
		if !slices.Contains(parent.Operations, operation) {
			return false
		}
	}
	p, c := &parent.Constraints, &child.Constraints
	switch {
	case p.SourceARN != "" && c.SourceARN != p.SourceARN:
		return false
	case p.ContextEquals != nil && !(c.ContextEquals != nil && samePairs(c.ContextEquals, p.ContextEquals)):
		return false
	}
	return includes(c.ContextSubset, p.ContextSubset) || c.ContextEquals != nil &&
		includes(c.ContextEquals, p.ContextSubset)
}
