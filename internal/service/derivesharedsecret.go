package service

import (
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// An agreer is the material of a key with the usage KEY_AGREEMENT.
type agreer interface {
	Agree(peer []byte) (secret []byte, err error)
}

var deriveSharedSecret = query("DeriveSharedSecret", asks{{Action: "kms:DeriveSharedSecret", On: keyOrAlias("KeyId")}},
	func(in *api.DeriveSharedSecretRequest, _ time.Time) error {
		return checkRecipient(in.Recipient)
	},
	func(c *call, in *api.DeriveSharedSecretRequest) (*api.DeriveSharedSecretResponse, error) {
		k := c.key()
		if err := k.Use(c.Operation.Name, key.KeyAgreement, *in.KeyAgreementAlgorithm); err != nil {
			return nil, err
		}
		var secret []byte
		err := withCurrent(c, k, func(made agreer) (err error) {
			secret, err = made.Agree(in.PublicKey)
			return err
		})
		if errors.Is(err, crypt.ErrPublicKey) {
			err = key.Errorf(key.KindValidation, "").Because(err) // the service has no message for it
		}
		if err == nil {
			err = dryRun(in.DryRun)
		}
		if err != nil {
			clear(secret)
			return nil, err
		}
		return &api.DeriveSharedSecretResponse{
			KeyAgreementAlgorithm: in.KeyAgreementAlgorithm,
			KeyId:                 new(k.ARN()),
			KeyOrigin:             new(string(k.Origin)),
			SharedSecret:          secret,
		}, nil
	})
