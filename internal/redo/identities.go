package redo

import (
	"cmp"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

func accountOf(e audit.Event, member *string) string { return or(member, e.UserIdentity.AccountID) }

// touch increments the serial number of an account in which something changes.
func touch(tx *store.Tx, account string) error {
	a, ok, err := records.Accounts.Get(tx, account)
	if err != nil || !ok {
		return err
	}
	a.Serial++
	return records.Accounts.Put(tx, account, a)
}

// change replaces a record that exists and differs afterwards.
func change[T any](tx *store.Tx, t store.Table[T], account, path string, fn func(v *T) error) error {
	v, ok, err := t.Get(tx, path)
	if err != nil {
		return err
	}
	was := v
	if !ok {
		return errNothing
	}
	if err := fn(&v); err != nil {
		return err
	}
	if reflect.DeepEqual(was, v) {
		return errNothing
	}
	return errors.Join(t.Put(tx, path, v), touch(tx, account))
}

// changeEntity changes a user or role.
func changeEntity(tx *store.Tx, account, kind, name string, fn func(*identity.Entity)) error {
	path := records.NamedPath(account, name)
	switch kind {
	case "user":
		return change(tx, records.Users, account, path, func(u *identity.User) error {
			fn(&u.Entity)
			return nil
		})
	case "role":
		return change(tx, records.Roles, account, path, func(r *identity.Role) error {
			fn(&r.Entity)
			return nil
		})
	}
	return errNothing
}

func revokeSessions(tx *store.Tx, e audit.Event, in *api.IdentityRequest) error {
	return changeEntity(tx, accountOf(e, in.AccountId), *in.Kind, *in.Name,
		func(i *identity.Entity) { i.EndSessions(e.EventTime) })
}

func setState(tx *store.Tx, e audit.Event, in *api.SetIdentityStateRequest) error {
	account := accountOf(e, in.AccountId)
	if in.AccessKeyId == nil {
		return changeEntity(tx, account, *in.Kind, *in.Name, func(i *identity.Entity) { i.Disabled = !*in.Enabled })
	}
	return change(tx, records.AccessKeys, account, *in.AccessKeyId, func(k *identity.StoredKey) error {
		k.Inactive = !*in.Enabled
		return nil
	})
}

func deleteIdentity(tx *store.Tx, e audit.Event, in *api.IdentityRequest) error {
	account := accountOf(e, in.AccountId)
	path := records.NamedPath(account, *in.Name)
	switch *in.Kind {
	case "user":
		u, ok, err := records.Users.Get(tx, path)
		if err != nil || !ok {
			return cmp.Or(err, errNothing)
		}
		for _, id := range u.Keys {
			if err := removeKey(tx, id); err != nil {
				return err
			}
		}
		return errors.Join(records.Users.Delete(tx, path), touch(tx, account))
	case "role":
		return remove(tx, records.Roles, account, path)
	case "policy":
		return remove(tx, records.ManagedPolicies, account, path)
	case "oidc-provider":
		return remove(tx, records.OIDCProviders, account, records.ProviderPath(account, *in.Name))
	}
	return errNothing
}

func remove[T any](tx *store.Tx, t store.Table[T], account, path string) error {
	if _, ok, err := t.Get(tx, path); err != nil || !ok {
		return cmp.Or(err, errNothing)
	}
	return errors.Join(t.Delete(tx, path), touch(tx, account))
}

func removeKey(tx *store.Tx, id string) error {
	return errors.Join(records.AccessKeyUsages.Delete(tx, id), records.AccessKeys.Delete(tx, id))
}

// deleteAccessKey disables an access key whose user the backup still has; DeleteIdentity removes both.
func deleteAccessKey(tx *store.Tx, e audit.Event) error {
	var members struct {
		ID string `json:"accessKeyId"`
	}
	if err := json.Unmarshal(e.RequestParameters, &members); err != nil || members.ID == "" {
		return notRedone("the event names no access key")
	}
	return disableKey(tx, members.ID)
}

func disableKey(tx *store.Tx, id string) error {
	k, ok, err := records.AccessKeys.Get(tx, id)
	if err != nil || !ok || k.Inactive {
		return cmp.Or(err, errNothing)
	}
	k.Inactive = true
	return errors.Join(records.AccessKeys.Put(tx, id, k), touch(tx, k.Account))
}

// resetRoot disables the access keys of a root that were revoked, and ends its sessions. The new access key is not in
// the backup: keyhold root-credentials reset makes one.
func resetRoot(tx *store.Tx, e audit.Event) error {
	var details struct {
		Revoked []string `json:"revokedAccessKeyIds"`
	}
	if err := json.Unmarshal(e.ServiceEventDetails, &details); err != nil {
		return notRedone("the event cannot be read")
	}
	for _, id := range details.Revoked {
		if err := disableKey(tx, id); err != nil && !errors.Is(err, errNothing) {
			return err
		}
	}
	a, ok, err := records.Accounts.Get(tx, e.RecipientAccountID)
	if err != nil {
		return err
	}
	if !ok { // the deployment's account has a record since its first change
		a = identity.Account{ID: e.RecipientAccountID, Created: e.EventTime}
	}
	a.Serial++
	a.Generation++
	return records.Accounts.Put(tx, e.RecipientAccountID, a)
}

func putManagedPolicy(tx *store.Tx, e audit.Event, in *api.PutPolicyRequest) error {
	if or(in.DryRun, false) {
		return errNothing
	}
	account := accountOf(e, in.AccountId)
	return change(tx, records.ManagedPolicies, account, records.NamedPath(account, *in.Name),
		func(p *identity.ManagedPolicy) error {
			p.Document, p.Description = *in.Document, or(in.Description, "")
			return nil
		})
}

func putProvider(tx *store.Tx, e audit.Event, in *api.PutProviderRequest) error {
	if or(in.DryRun, false) {
		return errNothing
	}
	account := accountOf(e, in.AccountId)
	path := records.ProviderPath(account, strings.TrimPrefix(*in.Url, "https://"))
	return change(tx, records.OIDCProviders, account, path, func(p *identity.OIDCProvider) error {
		p.ClientIDs, p.Roots = slices.Compact(slices.Sorted(slices.Values(in.ClientIds))), or(in.Roots, "")
		return nil
	})
}

func putUser(tx *store.Tx, e audit.Event, in *api.PutUserRequest) error {
	if or(in.DryRun, false) {
		return errNothing
	}
	account := accountOf(e, in.AccountId)
	return change(tx, records.Users, account, records.NamedPath(account, *in.Name), func(u *identity.User) error {
		return declare(tx, &u.Entity, in.PermissionsBoundary, in.ManagedPolicies, in.Policies, in.Tags)
	})
}

func putRole(tx *store.Tx, e audit.Event, in *api.PutRoleRequest) error {
	if or(in.DryRun, false) {
		return errNothing
	}
	account := accountOf(e, in.AccountId)
	return change(tx, records.Roles, account, records.NamedPath(account, *in.Name), func(r *identity.Role) error {
		r.Trust, r.Description = *in.Trust, or(in.Description, "")
		if in.MaxSessionSeconds != nil {
			r.MaxSession = *in.MaxSessionSeconds
		}
		return declare(tx, &r.Entity, in.PermissionsBoundary, in.ManagedPolicies, in.Policies, in.Tags)
	})
}

// declare sets what users and roles have in common. A managed policy that the backup does not have is left out: if it
// was a boundary, the user or role is disabled instead, because without the boundary it could do more.
func declare(
	tx *store.Tx, e *identity.Entity, boundary *string, managed []string, inline []api.InlinePolicy, tags []api.Tag,
) error {
	e.Inline, e.Tags, e.Attached, e.Boundary = nil, nil, nil, ""
	for _, p := range inline {
		e.Inline = append(e.Inline, identity.InlinePolicy{Name: *p.Name, Document: *p.Document})
	}
	slices.SortFunc(e.Inline, func(a, b identity.InlinePolicy) int { return cmp.Compare(a.Name, b.Name) })
	for _, t := range tags {
		e.Tags = append(e.Tags, identity.Tag{Key: *t.TagKey, Value: *t.TagValue})
	}
	slices.SortFunc(e.Tags, func(a, b identity.Tag) int { return cmp.Compare(a.Key, b.Key) })
	for _, name := range managed {
		arn, err := policyARN(tx, e.Account, name)
		if err != nil {
			return err
		}
		if arn == "" { // it may deny something
			e.Disabled = true
			continue
		}
		e.Attached = append(e.Attached, arn)
	}
	slices.Sort(e.Attached)
	e.Attached = slices.Compact(e.Attached)
	if boundary == nil {
		return nil
	}
	arn, err := policyARN(tx, e.Account, *boundary)
	e.Boundary, e.Disabled = arn, e.Disabled || arn == ""
	return err
}

// policyARN returns the ARN of a managed policy, given by its ARN or name, or "" if the backup does not have it.
func policyARN(tx *store.Tx, account, name string) (string, error) {
	path := records.NamedPath(account, name)
	if of, ok := records.PolicyPath(name); ok {
		path = of
	}
	p, ok, err := records.ManagedPolicies.Get(tx, path)
	if err != nil || !ok {
		return "", err
	}
	return p.ARN(), nil
}
