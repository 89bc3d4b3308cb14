package service

import (
	"cmp"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/store"
)

// byGrants decides with the policy of a key and its grants.
func (q question) byGrants(k key.Key) (d policy.Decision, err error) {
	err = q.c.eachGrant(k, func(page []key.Grant) bool {
		d = q.decide(q.documents, page)
		return !d.Allowed
	})
	return d, cmp.Or(err, q.values.err)
}

// grantsAtOnce is how many grants are looked at together.
const grantsAtOnce = 100

// eachGrant calls fn with the grants on a key that may be for the caller, some at a
// time, until it returns false: those that the request has tokens of, and those
// that the index has for the caller's names.
func (c *call) eachGrant(k key.Key, fn func([]key.Grant) bool) error {
	var named []key.Grant
	for _, g := range c.grants {
		if keyOf(g) == pathOf(k) {
			named = append(named, g)
		}
	}
	if len(named) > 0 && !fn(named) {
		return nil
	}
	return c.store.View(c.ctx, func(v *store.View) error {
		for _, p := range granteeNames(c.Caller.Principal) {
			if more, err := eachGrantOf(v, k, p, fn); err != nil || !more {
				return err
			}
		}
		return nil
	})
}

// granteeNames are the principals by which a grant may mean somebody.
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

// eachGrantOf goes through the grants of one grantee on a key.
func eachGrantOf(v *store.View, k key.Key, p key.Principal, fn func([]key.Grant) bool) (more bool, err error) {
	under := ofGrantee(pathOf(k), p)
	for after := ""; ; {
		entries, err := grantsOfGrantee.Scan(v, under, after, grantsAtOnce)
		if err != nil || len(entries) == 0 {
			return true, err
		}
		page := make([]key.Grant, 0, len(entries))
		for _, e := range entries {
			g, ok, err := grants.Get(v, pathOf(k)+"/"+e.Path[len(under):])
			if err != nil {
				return false, err
			}
			if ok {
				page = append(page, g)
			}
		}
		if !fn(page) {
			return false, nil
		}
		after = entries[len(entries)-1].Path
	}
}
