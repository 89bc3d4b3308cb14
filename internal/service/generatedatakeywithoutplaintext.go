package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
)

var generateDataKeyWithoutPlaintext = query("GenerateDataKeyWithoutPlaintext",
	asks{{Action: "kms:GenerateDataKeyWithoutPlaintext", On: keyOrAlias("KeyId")}},
	func(in *api.GenerateDataKeyWithoutPlaintextRequest, _ time.Time) error {
		return checkDataKey(in.KeySpec, in.NumberOfBytes)
	},
	func(c *call, in *api.GenerateDataKeyWithoutPlaintextRequest) (*api.GenerateDataKeyWithoutPlaintextResponse, error) {
		d, err := c.newDataKey(dataKeySize(in.KeySpec, in.NumberOfBytes), in.EncryptionContext, in.DryRun)
		if err != nil {
			return nil, err
		}
		clear(d.plaintext)
		return &api.GenerateDataKeyWithoutPlaintextResponse{
			CiphertextBlob: d.blob,
			KeyId:          new(c.key().ARN()),
			KeyMaterialId:  &d.materialID,
		}, nil
	})
