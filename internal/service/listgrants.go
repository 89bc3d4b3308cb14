package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var listGrants = query("ListGrants", asks{{Action: "kms:ListGrants", On: keyID("KeyId")}}, checkListGrants,
	func(c *call, in *api.ListGrantsRequest) (*api.ListGrantsResponse, error) {
		p, err := pageOf(c.Operation.Name, in.Marker, in.Limit, 50, 100)
		if err != nil {
			return nil, err
		}
		if in.GranteeServicePrincipal != nil {
			return nil, c.onlyForServices("kms:ListGrants", c.key().ARN())
		}
		out := &api.ListGrantsResponse{Grants: []api.GrantListEntry{}}
		add := func(g key.Grant) { out.Grants = append(out.Grants, grantEntry(g)) }
		err = c.view(func(v *store.View) error { return listGrantsOf(c.key(), in, p, v, add) })
		out.NextMarker, out.Truncated = p.next()
		return out, err
	})

func checkListGrants(in *api.ListGrantsRequest, _ time.Time) error {
	if in.GranteePrincipal != nil || in.GranteeServicePrincipal != nil {
		err := checkOneOf("GranteePrincipal", in.GranteePrincipal, "GranteeServicePrincipal", in.GranteeServicePrincipal)
		if err != nil {
			return err
		}
	}
	if in.GrantId != nil {
		return key.CheckGrantID(*in.GrantId)
	}
	return nil
}

// onlyForServices refuses a filter by service principal, which the API has for callers that are
// AWS services.
func (c *call) onlyForServices(action, resource string) error {
	return errNotAuthorized(c.Caller.Principal, action, resource,
		"because only a service principal may list grants by service principal")
}

// listGrantsOf reads only the grants that the request selects: one grant, the index of a
// grantee, or all grants on the key.
func listGrantsOf(k key.Key, in *api.ListGrantsRequest, p *page, v *store.View, add func(key.Grant)) error {
	get := func(id string) error {
		g, ok, err := records.Grants.Get(v, records.PathOf(k)+"/"+id)
		if ok && string(g.Grantee) == or(in.GranteePrincipal, string(g.Grantee)) {
			add(g)
		}
		return err
	}
	switch {
	case in.GrantId != nil:
		return get(*in.GrantId)
	case in.GranteePrincipal != nil:
		under := records.UnderGrantee(records.PathOf(k), key.Principal(*in.GranteePrincipal))
		return list(p, v, records.GrantsOfGrantee, under, func(id string, _ struct{}) error { return get(id) })
	}
	return list(p, v, records.Grants, records.PathOf(k)+"/", func(_ string, g key.Grant) error {
		add(g)
		return nil
	})
}

func grantEntry(g key.Grant) api.GrantListEntry {
	e := api.GrantListEntry{
		CreationDate:   timestamp(g.CreationDate),
		GrantId:        &g.ID,
		IssuingAccount: new(identity.Root(g.IssuingAccount).ARN),
		KeyId:          new(g.KeyARN()),
		Name:           unlessEmpty(g.Name),
		Operations:     g.Operations,
	}
	e.GranteePrincipal, e.GranteeServicePrincipal = principalMembers(g.Grantee)
	e.RetiringPrincipal, e.RetiringServicePrincipal = principalMembers(g.Retiring)
	if c := g.Constraints; c.ContextEquals != nil || c.ContextSubset != nil || c.SourceARN != "" {
		e.Constraints = &api.GrantConstraints{
			EncryptionContextEquals: c.ContextEquals,
			EncryptionContextSubset: c.ContextSubset,
			SourceArn:               unlessEmpty(c.SourceARN),
		}
	}
	return e
}

// principalMembers returns the principal as the value of one of two members, for principals and
// for services. The other member is nil.
func principalMembers(p key.Principal) (principal, service *string) {
	if p.IsService() {
		return nil, unlessEmpty(string(p))
	}
	return unlessEmpty(string(p)), nil
}

func unlessEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
