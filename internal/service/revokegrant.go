package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var revokeGrant = change("RevokeGrant", asks{{Action: "kms:RevokeGrant", On: keyID("KeyId")}},
	func(in *api.RevokeGrantRequest, _ time.Time) error { return key.CheckGrantID(*in.GrantId) },
	func(c *call, in *api.RevokeGrantRequest) (*api.Empty, error) {
		return nil, c.commitWithoutGrant(*in.GrantId, in.DryRun)
	})

// commitWithoutGrant removes a grant on the key of the first ask.
func (c *call) commitWithoutGrant(id string, dryRun *bool) error {
	return c.commit(func(tx *store.Tx) error {
		k := c.key()
		g, exists, err := records.Grants.Get(tx, records.PathOf(k)+"/"+id)
		if err != nil || !exists {
			return firstOf(err, key.Errorf(key.KindNotFound, "Grant ID %s not found on %s", id, k.ARN()))
		}
		if err := records.RemoveGrant(tx, g); err != nil {
			return err
		}
		return dryRunEnds(dryRun)
	})
}
