package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// An encapsulator is the material of a key with the usage ENCAPSULATE_DECAPSULATE.
type encapsulator interface {
	Encapsulate() (secret, ciphertext []byte)
	Decapsulate(ciphertext []byte) (secret []byte, err error)
}

var encapsulate = query("Encapsulate", asks{{Action: "kms:Encapsulate", On: keyOrAlias("KeyId")}}, nil,
	func(c *call, in *api.EncapsulateRequest) (*api.EncapsulateResponse, error) {
		k := c.key()
		if err := k.Use(c.Operation.Name, key.EncapsulateDecapsulate, *in.EncapsulationAlgorithm); err != nil {
			return nil, err
		}
		if err := dryRun(in.DryRun); err != nil {
			return nil, err
		}
		out := &api.EncapsulateResponse{EncapsulationAlgorithm: in.EncapsulationAlgorithm, KeyId: new(k.ARN())}
		err := withCurrent(c, k, func(made encapsulator) error {
			out.SharedSecret, out.SharedSecretCiphertextBlob = made.Encapsulate()
			return nil
		})
		if err != nil {
			return nil, err
		}
		return out, nil
	})
