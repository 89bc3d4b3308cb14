package naive

import (
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
)

// waysOfGrants returns the ways in which grants allow the request. Source: "Grants in AWS KMS" (KMS Developer
// Guide).
func waysOfGrants(r policy.Request, grants []key.Grant) []way {
	var ways []way
	for _, g := range grants {
		w, ok := nameOf(string(g.Grantee), r.Principal)
		if ok && grantMatches(g, r) {
			ways = append(ways, w)
		}
	}
	return ways
}

func grantMatches(g key.Grant, r policy.Request) bool {
	operation, _ := strings.CutPrefix(r.Action, "kms:")
	return slices.Contains(g.Operations, operation) &&
		contextHolds(g.Constraints, operation, r) &&
		sourceHolds(g.Constraints, operation, r) &&
		(operation != "CreateGrant" || r.Child != nil && noMore(*r.Child, g))
}

// contextHolds: "Grants with grant constraints can include the DescribeKey and RetireGrant operations, but the
// constraint doesn't apply to these operations" (GrantConstraints, KMS API Reference). For CreateGrant, noMore
// checks the constraints of the child.
func contextHolds(c key.GrantConstraints, operation string, r policy.Request) bool {
	if !r.HasContext || slices.Contains([]string{"CreateGrant", "DescribeKey", "RetireGrant"}, operation) {
		return true
	}
	if c.ContextEquals != nil && !alike(c.ContextEquals, r.EncryptionContext) {
		return false
	}
	return includes(r.EncryptionContext, c.ContextSubset)
}

func sourceHolds(c key.GrantConstraints, operation string, r policy.Request) bool {
	if c.SourceARN == "" || operation == "RetireGrant" {
		return true
	}
	return slices.ContainsFunc(valuesOf("aws:SourceArn", r), func(v string) bool { return arnLike(c.SourceARN, v) })
}

// noMore reports whether a child grant allows no more than its parent: "a subset of the operations" and "an
// equally strict or stricter" constraint ("Grants in AWS KMS"; GrantConstraints, KMS API Reference).
func noMore(child, parent key.Grant) bool {
	for _, operation := range child.Operations {
		if !slices.Contains(parent.Operations, operation) {
			return false
		}
	}
	return asStrict(child.Constraints, parent.Constraints)
}

func asStrict(child, parent key.GrantConstraints) bool {
	if parent.ContextEquals != nil && (child.ContextEquals == nil || !alike(child.ContextEquals, parent.ContextEquals)) {
		return false
	}
	if !includes(child.ContextSubset, parent.ContextSubset) && !includes(child.ContextEquals, parent.ContextSubset) {
		return false
	}
	return parent.SourceARN == "" || child.SourceARN == parent.SourceARN
}

// alike reports whether two contexts have the same pairs.
func alike(a, b map[string]string) bool {
	return isClear(a) && isClear(b) && includes(a, b) && includes(b, a)
}

// includes reports whether all contains each pair of some: "The encryption context keys are not case
// sensitive", but the values are (GrantConstraints, KMS API Reference).
func includes(all, some map[string]string) bool {
	for k, v := range some {
		found := false
		for have, value := range all {
			found = found || strings.EqualFold(have, k) && value == v
		}
		if !found || !isClear(all) || !isClear(some) {
			return false
		}
	}
	return true
}

// isClear reports whether no two names in a context differ only by case.
func isClear(context map[string]string) bool {
	for a := range context {
		for b := range context {
			if a != b && strings.EqualFold(a, b) {
				return false
			}
		}
	}
	return true
}
