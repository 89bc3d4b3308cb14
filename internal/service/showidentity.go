package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var showIdentity = administrationQuery("ShowIdentity", nil,
	func(c *call, in *api.IdentityRequest) (out *api.ShowIdentityResponse, err error) {
		account, err := c.accountOf(in.AccountId)
		if err != nil {
			return nil, err
		}
		err = c.view(func(v *store.View) error {
			var ok bool
			out, ok, err = c.show(v, account, *in.Kind, *in.Name)
			if err == nil && !ok {
				err = errNoIdentity(*in.Kind, *in.Name, account)
			}
			return err
		})
		return out, err
	})

// show returns an identity with all members, if it exists.
func (c *call) show(v *store.View, account, kind, name string) (out *api.ShowIdentityResponse, ok bool, err error) {
	out = &api.ShowIdentityResponse{}
	var keys []string
	switch kind {
	case kindAccount:
		var a identity.Account
		a, ok, err = records.Accounts.Get(v, name)
		keys = a.Keys
		out.IdentityEntry, out.Description = accountEntry(a), &a.Name
	case kindUser:
		var u identity.User
		u, ok, err = records.Users.Get(v, records.NamedPath(account, name))
		keys = u.Keys
		showEntity(out, u.Entity, u.ARN())
	case kindRole:
		var r identity.Role
		r, ok, err = records.Roles.Get(v, records.NamedPath(account, name))
		showEntity(out, r.Entity, r.ARN())
		out.Description, out.Trust, out.MaxSessionSeconds = &r.Description, &r.Trust, &r.MaxSession
	case kindPolicy:
		var p identity.ManagedPolicy
		p, ok, err = records.ManagedPolicies.Get(v, records.NamedPath(account, name))
		out.IdentityEntry, out.Description, out.Document, out.UniqueId = policyEntry(p), &p.Description, &p.Document, &p.ID
	case kindProvider:
		var p identity.OIDCProvider
		p, ok, err = records.OIDCProviders.Get(v, records.ProviderPath(account, name))
		out.IdentityEntry, out.ClientIds, out.Roots = providerEntry(p), p.ClientIDs, &p.Roots
	default:
		err = errNoKind(kind)
	}
	if err == nil {
		out.AccessKeys, err = c.keyStatuses(v, keys)
	}
	out.Kind = &kind
	return out, ok, err
}

func showEntity(out *api.ShowIdentityResponse, e identity.Entity, arn string) {
	out.IdentityEntry, out.UniqueId = entityEntry(e, arn), &e.ID
	out.ManagedPolicies = e.Attached
	if e.Boundary != "" {
		out.PermissionsBoundary = &e.Boundary
	}
	for _, p := range e.Inline {
		out.Policies = append(out.Policies, api.InlinePolicy{Name: &p.Name, Document: &p.Document})
	}
	for _, t := range e.Tags {
		out.Tags = append(out.Tags, api.Tag{TagKey: &t.Key, TagValue: &t.Value})
	}
	if !e.SessionsFrom.IsZero() {
		out.SessionsFrom = timestamp(e.SessionsFrom)
	}
}
