package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
)

var encrypt = query("Encrypt", asks{{Action: "kms:Encrypt", On: keyOrAlias("KeyId")}}, nil,
	func(c *call, in *api.EncryptRequest) (*api.EncryptResponse, error) {
		k := c.key()
		algorithm, err := c.checkEncryption(k, in.EncryptionAlgorithm, in.EncryptionContext)
		if err != nil {
			return nil, err
		}
		_, blob, err := c.encrypt(k, algorithm, in.Plaintext, in.EncryptionContext)
		if err == nil {
			err = dryRun(in.DryRun)
		}
		if err != nil {
			return nil, err
		}
		return &api.EncryptResponse{CiphertextBlob: blob, EncryptionAlgorithm: &algorithm, KeyId: new(k.ARN())}, nil
	})

// An encrypter is the material of a key with the usage ENCRYPT_DECRYPT and a public half.
type encrypter interface {
	Encrypt(algorithm string, plaintext []byte) (ciphertext []byte, err error)
	Decrypt(algorithm string, ciphertext []byte) (plaintext []byte, err error)
}

// checkEncryption returns the requested algorithm, if the key supports it. Only symmetric
// encryption has an encryption context.
func (c *call) checkEncryption(k key.Key, wanted *string, context map[string]string) (algorithm string, err error) {
	algorithm = or(wanted, api.EncryptionAlgorithmSymmetricDefault)
	if err := k.Use(c.Operation.Name, key.EncryptDecrypt, algorithm); err != nil {
		return "", err
	}
	if k.Suite().Public && len(context) > 0 {
		return "", key.Errorf(key.KindValidation, "An encryption context is not supported with the algorithm %s.", algorithm)
	}
	return algorithm, nil
}

// encrypt returns the ciphertext of a plaintext under k. It returns the ID of the material if
// the material is symmetric.
func (c *call) encrypt(
	k key.Key, algorithm string, plaintext []byte, context map[string]string,
) (materialID *string, ciphertext []byte, err error) {
	if err := key.CheckPlaintext(k.Spec, algorithm, len(plaintext)); err != nil {
		return nil, nil, err
	}
	if !k.Suite().Public {
		id, blob, err := c.encryptSymmetric(k, plaintext, context)
		return &id, blob, err
	}
	err = withCurrent(c, k, func(made encrypter) (err error) {
		ciphertext, err = made.Encrypt(algorithm, plaintext)
		return err
	})
	return nil, ciphertext, err
}

// encryptSymmetric returns the blob of a plaintext under the current material of
// k, and that material's ID.
func (c *call) encryptSymmetric(
	k key.Key, plaintext []byte, context map[string]string,
) (materialID string, blob []byte, err error) {
	m, _ := k.Current() // a key in a state that lets it encrypt has its material
	message, err := crypt.NewMessage(crypt.BlobHeader{Account: k.Account, KeyID: k.ID, MaterialID: m.ID}, context)
	if err != nil {
		return "", nil, err
	}
	err = material.With(c.ctx, c.materials, k, m, func(made *crypt.SymmetricKey) error {
		blob, err = message.Encrypt(made, plaintext)
		return err
	})
	return m.ID, blob, err
}
