package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var deleteImportedKeyMaterial = change("DeleteImportedKeyMaterial",
	asks{{Action: "kms:DeleteImportedKeyMaterial", On: keyID("KeyId")}}, nil,
	func(c *call, in *api.DeleteImportedKeyMaterialRequest) (*api.DeleteImportedKeyMaterialResponse, error) {
		if err := checkExternal(c.key()); err != nil {
			return nil, err
		}
		var materialID *string
		err := c.commitKey(func(k key.Key) (key.Key, error) {
			if materialID = in.KeyMaterialId; materialID == nil {
				if current, ok := k.Current(); ok {
					materialID = &current.ID
				}
			}
			return k.DeleteMaterial(or(in.KeyMaterialId, ""))
		})
		if err != nil {
			return nil, err
		}
		return &api.DeleteImportedKeyMaterialResponse{KeyId: new(c.key().ARN()), KeyMaterialId: materialID}, nil
	})
