package service

import (
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/material"
)

var decrypt = query("Decrypt", asks{{Action: "kms:Decrypt", On: keyOfCiphertext("KeyId", "CiphertextBlob")}},
	func(in *api.DecryptRequest, _ time.Time) error {
		if err := checkRecipient(in.Recipient); err != nil {
			return err
		}
		return checkCiphertext(in.CiphertextBlob, ignoresCiphertext(in.DryRun, in.DryRunModifiers), in.KeyId, "keyId")
	},
	func(c *call, in *api.DecryptRequest) (*api.DecryptResponse, error) {
		k := c.key()
		algorithm, err := c.checkDecryption(k, in.EncryptionAlgorithm, in.EncryptionContext)
		if err != nil {
			return nil, err
		}
		if ignoresCiphertext(in.DryRun, in.DryRunModifiers) {
			return nil, errDryRun
		}
		materialID, plaintext, err := c.decrypt(k, algorithm, in.CiphertextBlob, in.EncryptionContext)
		if err == nil {
			err = dryRun(in.DryRun)
		}
		if err != nil {
			clear(plaintext)
			return nil, err
		}
		return &api.DecryptResponse{
			Plaintext:           plaintext,
			EncryptionAlgorithm: &algorithm,
			KeyId:               new(k.ARN()),
			KeyMaterialId:       materialID,
		}, nil
	})

// checkRecipient refuses answers that only an attested enclave can read.
func checkRecipient(r *api.RecipientInfo) error {
	if r != nil {
		return key.Errorf(key.KindUnsupportedOperation, "Recipients in attested enclaves are not supported.")
	}
	return nil
}

// errIncorrectKey answers for a key that cannot have made the ciphertext.
var errIncorrectKey = key.Errorf(key.KindIncorrectKey,
	"The key ID in the request does not identify a CMK that can perform this operation.")

// checkDecryption checks as checkEncryption does. A key of another usage or spec is the wrong
// key.
func (c *call) checkDecryption(k key.Key, wanted *string, context map[string]string) (algorithm string, err error) {
	algorithm, err = c.checkEncryption(k, wanted, context)
	if e, ok := errors.AsType[*key.Error](err); ok && e.Kind == key.KindInvalidKeyUsage {
		err = errIncorrectKey
	}
	return algorithm, err
}

// decrypt decrypts a ciphertext under k. It returns the ID of the material if the material is
// symmetric.
func (c *call) decrypt(
	k key.Key, algorithm string, ciphertext []byte, context map[string]string,
) (materialID *string, plaintext []byte, err error) {
	if !k.Suite().Public {
		id, plaintext, err := c.decryptSymmetric(k, ciphertext, context)
		return &id, plaintext, err
	}
	err = withCurrent(c, k, func(made encrypter) (err error) {
		plaintext, err = made.Decrypt(algorithm, ciphertext)
		return err
	})
	if errors.Is(err, crypt.ErrCiphertext) {
		err = key.Errorf(key.KindInvalidCiphertext, "").Because(err)
	}
	return nil, plaintext, err
}

// decryptSymmetric decrypts a blob with the material of k that the blob names.
func (c *call) decryptSymmetric(
	k key.Key, blob []byte, context map[string]string,
) (materialID string, plaintext []byte, err error) {
	refused := func(cause error) error { return key.Errorf(key.KindInvalidCiphertext, "").Because(cause) }
	h, err := crypt.ParseBlob(blob)
	if err != nil {
		return "", nil, refused(err)
	}
	if h.Account != k.Account || h.KeyID != k.ID {
		return "", nil, errIncorrectKey
	}
	m, ok := k.Material(h.MaterialID)
	if !ok {
		return "", nil, refused(errors.New("it names material that the key was never associated with"))
	}
	message, err := crypt.ParseMessage(blob, context)
	if err != nil {
		return "", nil, refused(err)
	}
	err = material.With(c.ctx, c.materials, k, m, func(made *crypt.SymmetricKey) error {
		plaintext, err = message.Decrypt(made)
		return err
	})
	if errors.Is(err, crypt.ErrCiphertext) {
		return "", nil, refused(err)
	}
	return h.MaterialID, plaintext, err
}
