package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
)

var generateDataKeyPair = query("GenerateDataKeyPair",
	asks{{Action: "kms:GenerateDataKeyPair", On: keyOrAlias("KeyId")}},
	func(in *api.GenerateDataKeyPairRequest, _ time.Time) error {
		if err := checkRecipient(in.Recipient); err != nil {
			return err
		}
		return checkDataKeyPair(in.KeyPairSpec)
	},
	func(c *call, in *api.GenerateDataKeyPairRequest) (*api.GenerateDataKeyPairResponse, error) {
		d, public, err := c.newDataKeyPair(*in.KeyPairSpec, in.EncryptionContext, in.DryRun)
		if err != nil {
			return nil, err
		}
		return &api.GenerateDataKeyPairResponse{
			KeyId:                    new(c.key().ARN()),
			KeyMaterialId:            &d.materialID,
			KeyPairSpec:              in.KeyPairSpec,
			PrivateKeyCiphertextBlob: d.blob,
			PrivateKeyPlaintext:      d.plaintext,
			PublicKey:                public,
		}, nil
	})
