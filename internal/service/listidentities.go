package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var listIdentities = administrationQuery("ListIdentities", nil,
	func(c *call, in *api.ListIdentitiesRequest) (*api.ListIdentitiesResponse, error) {
		p, err := pageOf(c.Operation.Name+" "+*in.Kind, in.Marker, in.Limit, 100, 1000)
		if err != nil {
			return nil, err
		}
		under := ""
		if in.AccountId != nil {
			under = *in.AccountId
		}
		out := &api.ListIdentitiesResponse{Identities: []api.IdentityEntry{}}
		err = c.view(func(v *store.View) error { return c.entries(v, p, *in.Kind, under, out) })
		out.NextMarker, out.Truncated = p.next()
		return out, err
	})

// entries adds the identities of a kind, in one account or in all accounts, to a list.
func (c *call) entries(v *store.View, p *page, kind, under string, out *api.ListIdentitiesResponse) error {
	add := func(e api.IdentityEntry, keys []string) (err error) {
		e.Kind = &kind
		e.AccessKeys, err = c.keyStatuses(v, keys)
		out.Identities = append(out.Identities, e)
		return err
	}
	if kind == kindAccount {
		return list(p, v, records.Accounts, under, func(_ string, a identity.Account) error {
			return add(accountEntry(a), a.Keys)
		})
	}
	if under != "" {
		under += "/"
	}
	switch kind {
	case kindUser:
		return list(p, v, records.Users, under, func(_ string, u identity.User) error {
			return add(entityEntry(u.Entity, u.ARN()), u.Keys)
		})
	case kindRole:
		return list(p, v, records.Roles, under, func(_ string, r identity.Role) error {
			return add(entityEntry(r.Entity, r.ARN()), nil)
		})
	case kindPolicy:
		return list(p, v, records.ManagedPolicies, under, func(_ string, m identity.ManagedPolicy) error {
			return add(policyEntry(m), nil)
		})
	case kindProvider:
		return list(p, v, records.OIDCProviders, under, func(_ string, o identity.OIDCProvider) error {
			return add(providerEntry(o), nil)
		})
	}
	return errNoKind(kind)
}

func accountEntry(a identity.Account) api.IdentityEntry {
	return api.IdentityEntry{
		AccountId:   &a.ID,
		Arn:         new(identity.Root(a.ID).ARN),
		Name:        &a.ID,
		Enabled:     true,
		CreatedDate: timestamp(a.Created),
	}
}

func entityEntry(e identity.Entity, arn string) api.IdentityEntry {
	return api.IdentityEntry{
		AccountId:   &e.Account,
		Arn:         &arn,
		Name:        &e.Name,
		Enabled:     !e.Disabled,
		CreatedDate: timestamp(e.Created),
	}
}

func policyEntry(p identity.ManagedPolicy) api.IdentityEntry {
	return api.IdentityEntry{
		AccountId:   &p.Account,
		Arn:         new(p.ARN()),
		Name:        &p.Name,
		Enabled:     true,
		CreatedDate: timestamp(p.Created),
	}
}

func providerEntry(p identity.OIDCProvider) api.IdentityEntry {
	return api.IdentityEntry{
		AccountId:   &p.Account,
		Arn:         new(p.ARN()),
		Name:        &p.Issuer,
		Enabled:     true,
		CreatedDate: timestamp(p.Created),
	}
}

// keyStatuses returns the status of access keys. If memory has a newer last use than the store,
// it returns that use.
func (c *call) keyStatuses(from store.Getter, ids []string) (all []api.AccessKeyStatus, err error) {
	for _, id := range ids {
		k, _, err := records.AccessKeys.Get(from, id)
		if err != nil {
			return nil, err
		}
		status := api.AccessKeyStatus{AccessKeyId: &id, Active: !k.Inactive, CreatedDate: timestamp(k.Created)}
		used, noted := c.accessKeyUse.last(id)
		if !noted || c.store.Shared() { // another node may have written a later use
			kept, _, err := records.AccessKeyUsages.Get(from, id)
			if err != nil {
				return nil, err
			}
			if kept.Time.After(used.Time) {
				used = kept
			}
		}
		if !used.Time.IsZero() {
			status.LastUsedDate, status.Region, status.Service = timestamp(used.Time), &used.Region, &used.Service
		}
		all = append(all, status)
	}
	return all, nil
}
