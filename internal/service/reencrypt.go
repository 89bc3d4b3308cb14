package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
)

// ReEncrypt asks twice, as it has no permission of its own name.
var reEncrypt = query("ReEncrypt",
	asks{{"kms:ReEncryptFrom", keyOfCiphertext("SourceKeyId", "CiphertextBlob")}, {"kms:ReEncryptTo", keyOrAlias("DestinationKeyId")}},
	func(in *api.ReEncryptRequest, _ time.Time) error {
		return checkCiphertext(in.CiphertextBlob, in.DryRunModifiers)
	},
	func(c *call, in *api.ReEncryptRequest) (*api.ReEncryptResponse, error) {
		source, destination := c.keys[0], c.keys[1]
		if err := checkSymmetric(source, in.SourceEncryptionAlgorithm); err != nil {
			return nil, err
		}
		if err := checkSymmetric(destination, in.DestinationEncryptionAlgorithm); err != nil {
			return nil, err
		}
		from, plaintext, err := c.openCiphertext(source, in.CiphertextBlob, in.SourceEncryptionContext)
		if err != nil {
			return nil, err
		}
		defer clear(plaintext)
		to, blob, err := c.encrypt(destination, plaintext, in.DestinationEncryptionContext)
		if err != nil {
			return nil, err
		}
		if or(in.DryRun, false) {
			return nil, errDryRun
		}
		return &api.ReEncryptResponse{
			CiphertextBlob:                 blob,
			DestinationEncryptionAlgorithm: new(api.EncryptionAlgorithmSymmetricDefault),
			DestinationKeyMaterialId:       &to,
			KeyId:                          new(destination.ARN()),
			SourceEncryptionAlgorithm:      new(api.EncryptionAlgorithmSymmetricDefault),
			SourceKeyId:                    new(source.ARN()),
			SourceKeyMaterialId:            &from,
		}, nil
	})
