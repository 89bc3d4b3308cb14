package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// The resource of the action is the retiring principal, which must belong to the caller's own
// account. The keys may belong to other accounts.
var listRetirableGrants = query("ListRetirableGrants", asks{{Action: "kms:ListRetirableGrants"}},
	func(in *api.ListRetirableGrantsRequest, _ time.Time) error {
		return checkOneOf("RetiringPrincipal", in.RetiringPrincipal, "RetiringServicePrincipal", in.RetiringServicePrincipal)
	},
	func(c *call, in *api.ListRetirableGrantsRequest) (*api.ListRetirableGrantsResponse, error) {
		p, err := pageOf(c.Operation.Name, in.Marker, in.Limit, 50, 100)
		if err != nil {
			return nil, err
		}
		if in.RetiringServicePrincipal != nil {
			return nil, c.onlyForServices("kms:ListRetirableGrants", *in.RetiringServicePrincipal)
		}
		retirer := key.Principal(*in.RetiringPrincipal)
		if retirer.Account() != c.Caller.Principal.AccountID {
			return nil, errNotAuthorized(c.Caller.Principal, "kms:ListRetirableGrants", string(retirer),
				"because the retiring principal belongs to another account")
		}
		out := &api.ListRetirableGrantsResponse{Grants: []api.GrantListEntry{}}
		err = c.view(func(v *store.View) error {
			return c.listRetirable(retirer, p, v, func(g key.Grant) { out.Grants = append(out.Grants, grantEntry(g)) })
		})
		out.NextMarker, out.Truncated = p.next()
		return out, err
	})

// listRetirable omits grants on removed keys, which the sweep has not removed yet.
func (c *call) listRetirable(retirer key.Principal, p *page, v *store.View, add func(key.Grant)) error {
	under := records.UnderRetirer(c.Caller.Region, retirer)
	return list(p, v, records.GrantsOfRetirer, under, func(entry string, _ struct{}) error {
		g, ok, err := records.Grants.Get(v, records.RetirableGrantPath(c.Caller.Region, entry))
		if err != nil || !ok {
			return err
		}
		_, live, err := c.liveKey(v, records.KeyPathOfGrant(g))
		if err == nil && live {
			add(g)
		}
		return err
	})
}
