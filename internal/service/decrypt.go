package service

import (
	"errors"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

var decrypt = query("Decrypt", asks{{"kms:Decrypt", keyOfCiphertext("KeyId", "CiphertextBlob")}},
	func(in *api.DecryptRequest, _ time.Time) error {
		if err := checkRecipient(in.Recipient); err != nil {
			return err
		}
		return checkCiphertext(in.CiphertextBlob, in.DryRunModifiers)
	},
	func(c *call, in *api.DecryptRequest) (*api.DecryptResponse, error) {
		k := c.key()
		if err := checkSymmetric(k, in.EncryptionAlgorithm); err != nil {
			return nil, err
		}
		materialID, plaintext, err := c.openCiphertext(k, in.CiphertextBlob, in.EncryptionContext)
		if err != nil {
			return nil, err
		}
		if or(in.DryRun, false) {
			clear(plaintext)
			return nil, errDryRun
		}
		return &api.DecryptResponse{
			Plaintext:           plaintext,
			EncryptionAlgorithm: new(api.EncryptionAlgorithmSymmetricDefault),
			KeyId:               new(k.ARN()),
			KeyMaterialId:       &materialID,
		}, nil
	})

// checkRecipient refuses answers that only an attested enclave can read.
func checkRecipient(r *api.RecipientInfo) error {
	if r != nil {
		return key.Errorf(key.KindUnsupportedOperation, "Recipients in attested enclaves are not supported.")
	}
	return nil
}

// checkCiphertext looks at the members of the operations that open a ciphertext.
func checkCiphertext(blob []byte, modifiers []string) error {
	switch {
	case len(modifiers) > 0:
		return key.Errorf(key.KindUnsupportedOperation, "DryRunModifiers are not supported yet.")
	case blob == nil:
		return missingMember("ciphertextBlob")
	}
	return nil
}

// missingMember refuses a request without a member that the API calls optional,
// as if it were not.
func missingMember(name string) error {
	return key.Errorf(key.KindValidation, "1 validation error detected: Value null at '%s' failed to satisfy constraint: Member must not be null", name)
}

// openCiphertext opens a blob with the material of k that it names.
func (c *call) openCiphertext(k key.Key, blob []byte, context map[string]string) (materialID string, plaintext []byte, err error) {
	refused := key.Errorf(key.KindInvalidCiphertext, "")
	h, err := crypt.ParseBlob(blob)
	if err != nil {
		return "", nil, refused.Because(err)
	}
	if h.Account != k.Account || h.KeyID != k.ID {
		return "", nil, key.Errorf(key.KindIncorrectKey, "The key ID in the request does not identify a CMK that can perform this operation.")
	}
	m, ok := k.Material(h.MaterialID)
	if !ok {
		return "", nil, refused.Because(errors.New("it names material that the key was never associated with"))
	}
	message, err := crypt.ParseMessage(blob, context)
	if err != nil {
		return "", nil, refused.Because(err)
	}
	err = c.withMaterial(c.ctx, k, m, func(made *crypt.SymmetricKey) error {
		plaintext, err = message.Decrypt(made)
		return err
	})
	if errors.Is(err, crypt.ErrCiphertext) {
		return "", nil, refused.Because(err)
	}
	return h.MaterialID, plaintext, err
}
