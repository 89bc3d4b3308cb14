package awsimport

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

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
