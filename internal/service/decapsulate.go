package service

import (
	"errors"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

// Decapsulate rejects only a ciphertext of a wrong length. A changed ciphertext, or a ciphertext
// for another key, also yields a secret, but an unpredictable one.
var decapsulate = query("Decapsulate", asks{{Action: "kms:Decapsulate", On: keyOrAlias("KeyId")}}, nil,
	func(c *call, in *api.DecapsulateRequest) (*api.DecapsulateResponse, error) {
		k := c.key()
		if err := k.Use(c.Operation.Name, key.EncapsulateDecapsulate, *in.EncapsulationAlgorithm); err != nil {
			return nil, err
		}
		var secret []byte
		err := withCurrent(c, k, func(made encapsulator) (err error) {
			secret, err = made.Decapsulate(in.SharedSecretCiphertextBlob)
			return err
		})
		if errors.Is(err, crypt.ErrCiphertext) {
			err = key.Errorf(key.KindInvalidCiphertext, "").Because(err)
		}
		if err == nil {
			err = dryRun(in.DryRun)
		}
		if err != nil {
			clear(secret)
			return nil, err
		}
		return &api.DecapsulateResponse{
			EncapsulationAlgorithm: in.EncapsulationAlgorithm,
			KeyId:                  new(k.ARN()),
			SharedSecret:           secret,
		}, nil
	})
