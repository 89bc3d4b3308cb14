package service

import (
	"cmp"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// byGrants decides with the policy of a key and its grants.
func (q question) byGrants(k key.Key) (d policy.Decision, err error) {
	err = q.eachGrant(k, func(page []key.Grant) bool {
		d = q.decide(q.documents, page)
		return !d.Allowed
	})
	return d, cmp.Or(err, q.values.err)
}

// eachGrant calls fn with the grants on a key that may allow the request, in parts, until fn
// returns false: first the grants of the request's tokens, then the grants that the index finds
// for the caller's names. An explanation also gets some grants that do not match.
func (q *question) eachGrant(k key.Key, fn func([]key.Grant) bool) error {
	c := q.c
	var named []key.Grant
	for _, g := range c.grants {
		if records.KeyPathOfGrant(g) == records.PathOf(k) {
			named = append(named, g)
		}
	}
	if len(named) > 0 && !fn(named) {
		return nil
	}
	found, total, err := c.matchingGrants(k, wantedOf(q.request))
	if err != nil || len(found) > 0 && !fn(found) || c.trace == nil {
		return err
	}
	others, err := c.someGrants(k, found)
	if len(others) > 0 {
		fn(others)
	}
	c.trace.next.grants += total - len(found) - len(others)
	return err
}

// A wantedGrant describes the grants that allow a request.
type wantedGrant struct {
	operations []string // one grant must have all of them
	// anyPairs means that constraints on the encryption context do not matter.
	anyPairs bool
	// equals is the required value of EncryptionContextEquals. If nil, no grant with that
	// constraint allows the request.
	equals *records.ContextDigests
	// subsets are the contexts one of which must include EncryptionContextSubset.
	subsets []*records.ContextDigests
}

// wantedOf returns the grants that allow a request. It follows package policy, which then
// decides with the grants that were found. A grant that allows CreateGrant must have all
// operations of the new grant, and the constraints of the new grant must satisfy its
// constraints. Constraints on the encryption context apply to the operations that have an
// encryption context.
func wantedOf(r policy.Request) wantedGrant {
	w := wantedGrant{operations: []string{strings.TrimPrefix(r.Action, "kms:")}}
	switch child := r.Child; {
	case child != nil:
		w.operations = append(w.operations, child.Operations...)
		if subset, ok := records.DigestsOf(child.Constraints.ContextSubset); ok {
			w.subsets = append(w.subsets, subset)
		}
		if child.Constraints.ContextEquals != nil {
			w.whole(child.Constraints.ContextEquals)
		}
	case r.HasContext:
		w.whole(r.EncryptionContext)
	default:
		w.anyPairs = true
	}
	if len(w.subsets) == 0 { // a grant keeps constraints without pairs, too
		none, _ := records.DigestsOf(nil)
		w.subsets = append(w.subsets, none)
	}
	return w
}

// whole requires that a context satisfies both types of constraints.
func (w *wantedGrant) whole(context map[string]string) {
	if d, ok := records.DigestsOf(context); ok {
		w.equals = d
		w.subsets = append(w.subsets, d)
	}
}

// entries returns the beginnings of the index entries of matching grants: one or two for each
// shape of the grants of one principal.
func (w wantedGrant) entries(under string, r records.GranteeShapes) (all []string) {
	if len(r.Shapes) == 0 {
		return nil
	}
	mac := r.MAC()
	for _, s := range r.Shapes {
		switch {
		case s.Source || !s.Allows(w.operations): // no request here is made for a resource of an AWS service
		case w.anyPairs:
			all = append(all, under+s.Prefix())
		case !s.Equals || w.equals != nil:
			for _, subset := range w.subsets {
				if subset.Has(s.Names) {
					all = append(all, under+s.MatchPrefix(mac, w.equals, subset))
				}
			}
		}
	}
	return slices.Compact(all)
}

// matchingGrants returns one grant of each matching shape for each of the caller's names, and
// the number of all grants that these names have on the key.
func (c *call) matchingGrants(k key.Key, w wantedGrant) (found []key.Grant, total int, err error) {
	var wanted []string
	for _, p := range granteeNames(c.Caller.Principal) {
		under := records.UnderGrantee(records.PathOf(k), p)
		r, _, err := read(c.source(), records.GrantShapes, strings.TrimSuffix(under, "/"))
		if err != nil {
			return nil, 0, err
		}
		wanted = append(wanted, w.entries(under, r)...)
		total += r.Total()
	}
	if len(wanted) == 0 {
		return nil, total, nil
	}
	err = readCovered(c.source(), records.GrantGuards, records.PathOf(k), func(v *store.View) error {
		for _, under := range wanted {
			entries, err := records.GrantMatches.Scan(v, under, "", 1)
			if err != nil {
				return err
			}
			if found, err = appendGrantsOf(found, v, k, entries); err != nil {
				return err
			}
		}
		return nil
	})
	return found, total, err
}

// appendGrantsOf appends the grants on a key that index entries name with the last segment of
// their paths.
func appendGrantsOf(to []key.Grant, v *store.View, k key.Key, entries []store.Record[struct{}]) ([]key.Grant, error) {
	for _, e := range entries {
		g, ok, err := records.Grants.Get(v, records.PathOf(k)+e.Path[strings.LastIndexByte(e.Path, '/'):])
		if err != nil {
			return to, err
		}
		if ok {
			to = append(to, g)
		}
	}
	return to, nil
}

// someGrants returns grants for the caller's names that matchingGrants did not find, as many as
// an explanation shows.
func (c *call) someGrants(k key.Key, found []key.Grant) (others []key.Grant, err error) {
	err = c.view(func(v *store.View) error {
		for _, p := range granteeNames(c.Caller.Principal) {
			entries, err := records.GrantsOfGrantee.Scan(v, records.UnderGrantee(records.PathOf(k), p), "", maxExplainedGrants)
			if err != nil {
				return err
			}
			if others, err = appendGrantsOf(others, v, k, entries); err != nil {
				return err
			}
		}
		return nil
	})
	others = slices.DeleteFunc(others, func(g key.Grant) bool {
		return slices.ContainsFunc(found, func(f key.Grant) bool { return f.ID == g.ID })
	})
	return others[:min(len(others), maxExplainedGrants)], err
}

// granteeNames returns the grantee principals whose grants a caller may use.
func granteeNames(p identity.Principal) []key.Principal {
	names := []key.Principal{key.Principal(p.ARN), key.Principal(identity.Root(p.AccountID).ARN)}
	if p.RoleARN != "" {
		names = append(names, key.Principal(p.RoleARN))
	}
	if p.Kind == identity.KindAccount {
		names = names[:1]
	}
	return names
}
