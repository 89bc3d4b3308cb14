package integrity

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
)

func (v *verifier) account(path string, a identity.Account) error {
	if path != a.ID || !key.ValidAccount(a.ID) {
		return errMoved
	}
	return v.keysOf("", a.ID, a.Keys)
}

func (v *verifier) user(path string, u identity.User) error {
	if path != records.NamedPath(u.Account, u.Name) || !identity.ValidName(u.Name) {
		return errMoved
	}
	v.entity(u.Entity, records.Users.Prefix+"/"+path)
	return v.keysOf(u.Name, u.Account, u.Keys)
}

func (v *verifier) role(path string, r identity.Role) error {
	if path != records.NamedPath(r.Account, r.Name) || !identity.ValidName(r.Name) {
		return errMoved
	}
	v.entity(r.Entity, records.Roles.Prefix+"/"+path)
	return nil
}

// entity checks that the account and the managed policies of a user or role exist.
func (v *verifier) entity(e identity.Entity, record string) {
	requireRecord(v, records.Accounts, e.Account, record)
	for _, arn := range append(slices.Clone(e.Attached), e.Boundary) {
		if arn == "" {
			continue
		}
		path, ok := records.PolicyPath(arn)
		if !ok {
			v.report(record, fmt.Errorf("%q is not the ARN of a policy", arn))
			continue
		}
		requireRecord(v, records.ManagedPolicies, path, record)
	}
}

// keysOf checks that the access keys of a user or root exist, and that they name their owner.
func (v *verifier) keysOf(user, account string, ids []string) error {
	if len(ids) > identity.MaxAccessKeys {
		return fmt.Errorf("it has %d access keys", len(ids))
	}
	for _, id := range ids {
		k, there, whole := lookUp(v, records.AccessKeys, id)
		if !there || whole && (k.User != user || k.Account != account) {
			return fmt.Errorf("its access key %s is missing, or belongs to another user", id)
		}
	}
	return nil
}

func (v *verifier) managedPolicy(path string, p identity.ManagedPolicy) error {
	if path != records.NamedPath(p.Account, p.Name) || !identity.ValidPolicyName(p.Name) {
		return errMoved
	}
	return nil
}

func (v *verifier) oidcProvider(path string, p identity.OIDCProvider) error {
	if path != records.ProviderPath(p.Account, p.Issuer) || p.Issuer == "" {
		return errMoved
	}
	return nil
}

// accessKey checks an access key. The access key of keyhold init belongs to no user.
func (v *verifier) accessKey(path string, k identity.StoredKey) error {
	if !key.ValidAccount(k.Account) || k.Secret == "" {
		return errMoved
	}
	if k.User == "" {
		return nil
	}
	u, there, whole := lookUp(v, records.Users, records.NamedPath(k.Account, k.User))
	if !there || whole && !slices.Contains(u.Keys, path) {
		return fmt.Errorf("the user %q does not have it", k.User)
	}
	return nil
}

func (v *verifier) accessKeyUsage(path string, r records.Usage) error {
	if _, there, _ := lookUp(v, records.AccessKeys, path); !there {
		return errors.New("there is no such access key")
	}
	if r.Time.Equal(time.Time{}) {
		return errMoved
	}
	return nil
}
