package awsimport

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"hash"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

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

// A PublicKeyGetter gets public keys. *kms.Client implements it.
type PublicKeyGetter interface {
	GetPublicKey(context.Context, *kms.GetPublicKeyInput, ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error)
}

// CheckPublicKey checks that a key has the public key of the imported private key,
// DER SubjectPublicKeyInfo. Otherwise the error is a [Refusal] of the code NotProved.
func CheckPublicKey(ctx context.Context, c PublicKeyGetter, keyARN string, publicKey []byte) error {
	out, err := c.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: &keyARN})
	if err != nil {
		return err
	}
	if !bytes.Equal(out.PublicKey, publicKey) {
		return refuse(NotProved, "the server's public key does not belong to the imported private key")
	}
	return nil
}

// A MACGenerator makes message authentication codes. *kms.Client implements it.
type MACGenerator interface {
	GenerateMac(context.Context, *kms.GenerateMacInput, ...func(*kms.Options)) (*kms.GenerateMacOutput, error)
}

// CheckMAC lets a server compute the code of 32 random bytes with a key of an HMAC spec,
// and computes it with the local material. If they differ, the error is a [Refusal] of
// the code NotProved.
func CheckMAC(ctx context.Context, c MACGenerator, keyARN, keySpec string, material []byte) error {
	algorithm, newHash, err := macOf(keySpec)
	if err != nil {
		return err
	}
	message := make([]byte, challengeSize)
	rand.Read(message)
	out, err := c.GenerateMac(ctx, &kms.GenerateMacInput{KeyId: &keyARN, MacAlgorithm: algorithm, Message: message})
	if err != nil {
		return err
	}
	local := hmac.New(newHash, material)
	local.Write(message)
	if !hmac.Equal(out.Mac, local.Sum(nil)) {
		return refuse(NotProved, "the server's message authentication code differs from the code of the local material")
	}
	return nil
}

func macOf(keySpec string) (types.MacAlgorithmSpec, func() hash.Hash, error) {
	switch keySpec {
	case "HMAC_224":
		return types.MacAlgorithmSpecHmacSha224, sha256.New224, nil
	case "HMAC_256":
		return types.MacAlgorithmSpecHmacSha256, sha256.New, nil
	case "HMAC_384":
		return types.MacAlgorithmSpecHmacSha384, sha512.New384, nil
	case "HMAC_512":
		return types.MacAlgorithmSpecHmacSha512, sha512.New, nil
	}
	return "", nil, fmt.Errorf("awsimport: keys of the spec %s make no message authentication codes", keySpec)
}
