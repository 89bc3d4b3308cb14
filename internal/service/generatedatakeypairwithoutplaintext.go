package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
)

var generateDataKeyPairWithoutPlaintext = query("GenerateDataKeyPairWithoutPlaintext",
	asks{{Action: "kms:GenerateDataKeyPairWithoutPlaintext", On: keyOrAlias("KeyId")}},
	func(in *api.GenerateDataKeyPairWithoutPlaintextRequest, _ time.Time) error {
		return checkDataKeyPair(in.KeyPairSpec)
	},
	func(
		c *call, in *api.GenerateDataKeyPairWithoutPlaintextRequest,
	) (*api.GenerateDataKeyPairWithoutPlaintextResponse, error) {
		d, public, err := c.newDataKeyPair(*in.KeyPairSpec, in.EncryptionContext, in.DryRun)
		if err != nil {
			return nil, err
		}
		clear(d.plaintext)
		return &api.GenerateDataKeyPairWithoutPlaintextResponse{
			KeyId:                    new(c.key().ARN()),
			KeyMaterialId:            &d.materialID,
			KeyPairSpec:              in.KeyPairSpec,
			PrivateKeyCiphertextBlob: d.blob,
			PublicKey:                public,
		}, nil
	})
