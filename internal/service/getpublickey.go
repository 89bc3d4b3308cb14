package service

import (
	"bytes"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

var getPublicKey = query("GetPublicKey", asks{{Action: "kms:GetPublicKey", On: keyOrAlias("KeyId")}}, nil,
	func(c *call, _ *api.GetPublicKeyRequest) (*api.GetPublicKeyResponse, error) {
		k := c.key()
		if !k.Suite().Public {
			return nil, key.Errorf(key.KindUnsupportedOperation,
				"%s key spec is %s which is not valid for GetPublicKey.", k.ARN(), k.Spec)
		}
		out := &api.GetPublicKeyResponse{
			CustomerMasterKeySpec:   new(string(k.Spec)),
			EncapsulationAlgorithms: algorithmsFor(k, key.EncapsulateDecapsulate),
			EncryptionAlgorithms:    algorithmsFor(k, key.EncryptDecrypt),
			KeyAgreementAlgorithms:  algorithmsFor(k, key.KeyAgreement),
			KeyId:                   new(k.ARN()),
			KeySpec:                 new(string(k.Spec)),
			KeyUsage:                new(string(k.Usage)),
			SigningAlgorithms:       algorithmsFor(k, key.SignVerify),
		}
		err := withCurrent(c, k, func(made crypt.Pair) error {
			out.PublicKey = bytes.Clone(made.PublicKey())
			return nil
		})
		if err != nil {
			return nil, err
		}
		return out, nil
	})
