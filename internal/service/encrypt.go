package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

var encrypt = query("Encrypt", asks{{"kms:Encrypt", keyOrAlias("KeyId")}}, nil,
	func(c *call, in *api.EncryptRequest) (*api.EncryptResponse, error) {
		k := c.key()
		if err := checkSymmetric(k, in.EncryptionAlgorithm); err != nil {
			return nil, err
		}
		_, blob, err := c.encrypt(k, in.Plaintext, in.EncryptionContext)
		if err != nil {
			return nil, err
		}
		if or(in.DryRun, false) {
			return nil, errDryRun
		}
		return &api.EncryptResponse{
			CiphertextBlob:      blob,
			EncryptionAlgorithm: new(api.EncryptionAlgorithmSymmetricDefault),
			KeyId:               new(k.ARN()),
		}, nil
	})

// encrypt returns the blob of a plaintext under the current material of k, and
// that material's ID.
func (c *call) encrypt(k key.Key, plaintext []byte, context map[string]string) (materialID string, blob []byte, err error) {
	m, _ := k.Current() // a key in a state that lets it encrypt has its material
	message, err := crypt.NewMessage(crypt.BlobHeader{Account: k.Account, KeyID: k.ID, MaterialID: m.ID}, context)
	if err != nil {
		return "", nil, err
	}
	err = c.withMaterial(c.ctx, k, m, func(made *crypt.SymmetricKey) error {
		blob, err = message.Encrypt(made, plaintext)
		return err
	})
	return m.ID, blob, err
}

// errDryRun is how a dry run ends that would have succeeded.
var errDryRun = key.Errorf(key.KindDryRunOperation, "The request would have succeeded, but the DryRun option is set.")

// checkSymmetric refuses the algorithms that are not for symmetric keys.
func checkSymmetric(k key.Key, algorithm *string) error {
	if or(algorithm, api.EncryptionAlgorithmSymmetricDefault) != api.EncryptionAlgorithmSymmetricDefault {
		return key.Errorf(key.KindInvalidKeyUsage, "%s is a key of the spec %s, which the algorithm %s is not for.", k.ARN(), k.Spec, *algorithm)
	}
	return nil
}
