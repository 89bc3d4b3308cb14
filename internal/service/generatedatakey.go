package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
)

var generateDataKey = query("GenerateDataKey", asks{{Action: "kms:GenerateDataKey", On: keyOrAlias("KeyId")}},
	func(in *api.GenerateDataKeyRequest, _ time.Time) error {
		if err := checkRecipient(in.Recipient); err != nil {
			return err
		}
		return checkDataKey(in.KeySpec, in.NumberOfBytes)
	},
	func(c *call, in *api.GenerateDataKeyRequest) (*api.GenerateDataKeyResponse, error) {
		d, err := c.newDataKey(dataKeySize(in.KeySpec, in.NumberOfBytes), in.EncryptionContext, in.DryRun)
		if err != nil {
			return nil, err
		}
		return &api.GenerateDataKeyResponse{
			CiphertextBlob: d.blob,
			KeyId:          new(c.key().ARN()),
			KeyMaterialId:  &d.materialID,
			Plaintext:      d.plaintext,
		}, nil
	})
