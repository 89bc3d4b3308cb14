package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

func checkPutPolicy(in *api.PutPolicyRequest, _ time.Time) error {
	if err := checkNamed(in.Name, in.Path, identity.ValidPolicyName); err != nil {
		return err
	}
	return checkDocumentSize(*in.Document, policy.IdentityPolicy, maxManagedPolicy)
}

var putPolicy = administration("PutPolicy", checkPutPolicy,
	func(c *call, in *api.PutPolicyRequest) (*api.PutIdentityResponse, error) {
		d, err := c.declaration(in.AccountId, in.DryRun)
		if err != nil {
			return nil, err
		}
		path := records.NamedPath(d.account, *in.Name)
		return c.declare(d, func(tx *store.Tx) error {
			p, ok, err := records.ManagedPolicies.Get(tx, path)
			if err != nil {
				return err
			}
			if d.created = !ok; d.created {
				p = identity.ManagedPolicy{
					Account: d.account,
					Name:    *in.Name,
					Path:    or(in.Path, "/"),
					ID:      newUniqueID(policyPrefix),
					Created: c.now,
				}
			}
			if d.arn = p.ARN(); p.Name != *in.Name || p.Path != or(in.Path, "/") {
				return key.Errorf(key.KindAlreadyExists,
					"There is the policy %s already, whose name and path cannot be changed.", d.arn)
			}
			d.differ("description", p.Description, or(in.Description, ""))
			d.differ("document", p.Document, *in.Document)
			p.Description, p.Document = or(in.Description, ""), *in.Document
			return records.ManagedPolicies.Put(tx, path, p)
		})
	})
