package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
)

// considerGrants adds to the verdict on the resource what its grants allow.
// Source: "Grants in AWS KMS" in the developer guide.
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

// reachOfGrant tells how far a grant goes for the request, or what of it does not
// match.
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

// constraint returns the constraint that the request does not keep. Source:
// "Using grant constraints" in the developer guide: those on the encryption
// context are for the operations that have one, and SourceArn is not for
// RetireGrant.
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

// comesFrom reports whether the request is made for the resource of an ARN, which
// is compared as by ArnLike.
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

// FoldNames returns an encryption context with its names in one case: the constraints of
// grants compare names without regard to case, and values with it. Source:
// GrantConstraints in the API reference. ok is false if names differ by case alone; such a
// context is returned as it is, and keeps no constraint that has pairs.
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

// includes reports whether a context has all pairs of a part.
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

// mayCreate reports whether a grant may hand on what a child would allow: no more
// operations, and constraints as strict. Source: "Granting CreateGrant
// permission" in the developer guide.
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
	return includes(c.ContextSubset, p.ContextSubset) || c.ContextEquals != nil && includes(c.ContextEquals, p.ContextSubset)
}
