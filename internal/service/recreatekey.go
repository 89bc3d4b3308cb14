package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// RecreateKey is the return of a key whose deployment is lost, and no part of the
// KMS API: the key is made again under its old ID, and once its material is
// imported its old ciphertexts open. It is for the root of the account.
var recreateKey = change("RecreateKey", asks{{Action: "keyhold:RecreateKey"}},
	func(in *api.RecreateKeyRequest, _ time.Time) error { return key.CheckChosenID(*in.KeyId) },
	func(c *call, in *api.RecreateKeyRequest) (*api.RecreateKeyResponse, error) {
		if own := c.Caller.Principal.AccountID; *in.AccountId != own {
			return nil, key.Errorf(key.KindAccessDenied, "The key of account %s can be recreated only with the credentials of that account, and these are those of account %s: "+
				"a key belongs to its account, which its ciphertexts name.", *in.AccountId, own)
		}
		k, err := newKey(c, &api.CreateKeyRequest{Origin: new(string(key.OriginExternal)), Description: in.Description})
		if err != nil {
			return nil, err
		}
		k.ID = *in.KeyId
		if in.KeyMaterialId != nil {
			k = k.Recreated(*in.KeyMaterialId)
		}
		if err := c.commitNew(k); err != nil {
			return nil, err
		}
		return &api.RecreateKeyResponse{KeyMetadata: metadata(k)}, nil
	})
