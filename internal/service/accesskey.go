package service

import (
	"context"
	"slices"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
)

// AccessKey is the identity.Lookup of the access keys of the deployment. One that
// is not active, or whose user is gone or disabled, is none.
func (s *Service) AccessKey(ctx context.Context, id string) (k identity.AccessKey, ok bool, err error) {
	return accessKey(s.newest(ctx), id)
}

func accessKey(from source, id string) (k identity.AccessKey, ok bool, err error) {
	r, ok, err := read(from, records.AccessKeys, id)
	if err != nil || !ok || r.Inactive {
		return k, false, err
	}
	k = identity.AccessKey{ID: id, Secret: identity.NewSecret(r.Secret), Principal: identity.Root(r.Account)}
	k.Principal.AccessKeyID, k.Principal.Stored = id, true
	if r.User == "" {
		return k, true, nil
	}
	u, ok, err := read(from, records.Users, records.NamedPath(r.Account, r.User))
	k.Principal = u.Principal()
	k.Principal.AccessKeyID, k.Principal.Stored = id, true
	// Somebody else may have the name now.
	return k, ok && !u.Disabled && slices.Contains(u.Keys, id), err
}
