package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// RecreateKey makes a key under its old ID again, after its deployment was lost. Once the
// material of the key is imported, its old ciphertexts open. RecreateKey is not part of the KMS
// API. Only the root of the account may use it. A multi-Region key becomes the primary key,
// which can be replicated when it has its material.
var recreateKey = change("RecreateKey", asks{{Action: "keyhold:RecreateKey"}},
	func(in *api.RecreateKeyRequest, _ time.Time) error { return key.CheckChosenID(*in.KeyId) },
	func(c *call, in *api.RecreateKeyRequest) (*api.RecreateKeyResponse, error) {
		if own := c.Caller.Principal.AccountID; *in.AccountId != own {
			return nil, key.Errorf(key.KindAccessDenied,
				"The key of account %s can be recreated only with credentials of that account, "+
					"and this request has credentials of account %s: "+
					"a key belongs to its account, which its ciphertexts name.", *in.AccountId, own)
		}
		multi := key.IsMultiRegionID(*in.KeyId)
		k, err := newKey(c, &api.CreateKeyRequest{
			Origin:      new(string(key.OriginExternal)),
			Description: in.Description,
			MultiRegion: &multi,
		})
		if err != nil {
			return nil, err
		}
		k.ID = *in.KeyId
		if in.KeyMaterialId != nil {
			k = k.Recreate(*in.KeyMaterialId)
		}
		if err := c.commitNew(k); err != nil {
			return nil, err
		}
		m, err := c.describe(k)
		return &api.RecreateKeyResponse{KeyMetadata: m}, err
	})
