package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

var getKeyLastUsage = query("GetKeyLastUsage", asks{{Action: "kms:GetKeyLastUsage", On: keyID("KeyId")}}, nil,
	func(c *call, _ *api.GetKeyLastUsageRequest) (*api.GetKeyLastUsageResponse, error) {
		k := c.key()
		last, used := c.usage.last(records.PathOf(k))
		if !used {
			err := c.view(c.ctx, func(v *store.View) (err error) {
				last, used, err = records.Usages.Get(v, records.PathOf(k))
				return err
			})
			if err != nil {
				return nil, err
			}
		}
		out := &api.GetKeyLastUsageResponse{
			KeyCreationDate:   timestamp(k.CreationDate),
			KeyId:             &k.ID,
			KeyLastUsage:      &api.KeyLastUsageData{},
			TrackingStartDate: timestamp(k.CreationDate), // the server has recorded uses since the creation of the key
		}
		if used {
			*out.KeyLastUsage = api.KeyLastUsageData{
				CloudTrailEventId: &last.EventID,
				KmsRequestId:      &last.RequestID,
				Operation:         &last.Operation,
				Timestamp:         timestamp(last.Time),
			}
		}
		return out, nil
	})
