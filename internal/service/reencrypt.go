package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
)

// ReEncrypt has two asks, because there is no permission of its name.
var reEncrypt = query("ReEncrypt",
	asks{
		{Action: "kms:ReEncryptFrom", On: keyOfCiphertext("SourceKeyId", "CiphertextBlob")},
		{Action: "kms:ReEncryptTo", On: destination(keyOrAlias("DestinationKeyId"))},
	},
	func(in *api.ReEncryptRequest, _ time.Time) error {
		ignored := ignoresCiphertext(in.DryRun, in.DryRunModifiers)
		return checkCiphertext(in.CiphertextBlob, ignored, in.SourceKeyId, "sourceKeyId")
	},
	func(c *call, in *api.ReEncryptRequest) (*api.ReEncryptResponse, error) {
		source, destination := c.keys[0], c.keys[1]
		algorithmFrom, err := c.checkDecryption(source, in.SourceEncryptionAlgorithm, in.SourceEncryptionContext)
		if err != nil {
			return nil, err
		}
		algorithmTo, err := c.checkEncryption(destination, in.DestinationEncryptionAlgorithm, in.DestinationEncryptionContext)
		if err != nil {
			return nil, err
		}
		if ignoresCiphertext(in.DryRun, in.DryRunModifiers) {
			return nil, errDryRun
		}
		from, plaintext, err := c.decrypt(source, algorithmFrom, in.CiphertextBlob, in.SourceEncryptionContext)
		if err != nil {
			return nil, err
		}
		defer clear(plaintext)
		to, ciphertext, err := c.encrypt(destination, algorithmTo, plaintext, in.DestinationEncryptionContext)
		if err == nil {
			err = dryRun(in.DryRun)
		}
		if err != nil {
			return nil, err
		}
		return &api.ReEncryptResponse{
			CiphertextBlob:                 ciphertext,
			DestinationEncryptionAlgorithm: &algorithmTo,
			DestinationKeyMaterialId:       to,
			KeyId:                          new(destination.ARN()),
			SourceEncryptionAlgorithm:      &algorithmFrom,
			SourceKeyId:                    new(source.ARN()),
			SourceKeyMaterialId:            from,
		}, nil
	})
