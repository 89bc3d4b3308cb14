package awsimport

import (
	"context"
	"crypto/rand"
	"crypto/subtle"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/byok"
)

// CheckID checks that a Keyhold server has exactly the material that was
// wrapped, by the ID that [Import] returned. Otherwise the error is a [Refusal] of
// the code NotProved.
func CheckID(w *byok.Wrapped, keyMaterialID string) error {
	if keyMaterialID != w.KeyMaterialID {
		return refuse(NotProved,
			"the server returned the key material ID %q, but the material has the ID %s", keyMaterialID, w.KeyMaterialID)
	}
	return nil
}

// An Encrypter encrypts with a key. *kms.Client implements it.
type Encrypter interface {
	Encrypt(context.Context, *kms.EncryptInput, ...func(*kms.Options)) (*kms.EncryptOutput, error)
}

// challengeSize is the size of a challenge, in bytes: too many to guess.
const challengeSize = 32

// Challenge lets a Keyhold server encrypt 32 random bytes under a random encryption
// context, and decrypts the ciphertext with the local material. A ciphertext that does
// not decrypt to the same bytes is a [Refusal] of the code NotProved.
func Challenge(ctx context.Context, c Encrypter, keyARN string, material []byte) error {
	challenge := make([]byte, challengeSize)
	rand.Read(challenge)
	encryptionContext := map[string]string{"import-challenge": rand.Text()}
	out, err := c.Encrypt(ctx, &kms.EncryptInput{
		KeyId:             &keyARN,
		Plaintext:         challenge,
		EncryptionContext: encryptionContext,
	})
	if err != nil {
		return err
	}
	opened, err := byok.Decrypt(material, out.CiphertextBlob, encryptionContext)
	switch {
	case err != nil:
		return refuse(NotProved, "the local material does not decrypt the server's ciphertext: %v", err)
	case subtle.ConstantTimeCompare(opened, challenge) != 1:
		return refuse(NotProved, "the local material decrypts the server's ciphertext, but to another plaintext")
	}
	return nil
}
