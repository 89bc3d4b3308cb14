package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

func membersOfRole(in *api.PutRoleRequest) entityMembers {
	return entityMembers{in.Name, in.Path, in.PermissionsBoundary, in.ManagedPolicies, in.Policies, in.Tags}
}

func checkPutRole(in *api.PutRoleRequest, _ time.Time) error {
	if err := checkEntity(membersOfRole(in), maxInlineOfRole); err != nil {
		return err
	}
	return checkDocumentSize(*in.Trust, policy.TrustPolicy, maxTrustPolicy)
}

var putRole = administration("PutRole", checkPutRole,
	func(c *call, in *api.PutRoleRequest) (*api.PutIdentityResponse, error) {
		d, err := c.declaration(in.AccountId, in.DryRun)
		if err != nil {
			return nil, err
		}
		path := records.NamedPath(d.account, *in.Name)
		return c.declare(d, func(tx *store.Tx) error {
			r, ok, err := records.Roles.Get(tx, path)
			if err != nil {
				return err
			}
			if d.created = !ok; d.created {
				r.ID = newUniqueID(rolePrefix)
			}
			if r.Entity, err = c.entity(tx, d, r.Entity, membersOfRole(in)); err != nil {
				return err
			}
			d.arn = r.ARN()
			was := r
			r.Description, r.Trust, r.MaxSession = or(in.Description, ""), *in.Trust, or(in.MaxSessionSeconds, defaultSession)
			d.differ("description", was.Description, r.Description)
			d.differ("trust", was.Trust, r.Trust)
			d.differ("max_session_seconds", was.MaxSession, r.MaxSession)
			return records.Roles.Put(tx, path, r)
		})
	})
