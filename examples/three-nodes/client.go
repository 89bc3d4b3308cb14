package main

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// tries is how often the SDK sends a request at most.
const tries = 8

// A client sends requests to one address.
type client struct{ kms *kms.Client }

// An importedKey is a key whose material is ours.
type importedKey struct {
	id, arn    *string
	material   [32]byte
	ciphertext []byte
}

// to returns a client for an address. It reads nothing from the environment.
func (d *deployment) to(address string) *client {
	return &client{kms.New(kms.Options{
		BaseEndpoint:     aws.String("http://" + address),
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider(d.accessKey, d.secret, ""),
		RetryMaxAttempts: tries,
	})}
}

func (c *client) create(ctx context.Context) (*importedKey, error) {
	out, err := c.kms.CreateKey(ctx, &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
	if err != nil {
		return nil, err
	}
	k := &importedKey{id: out.KeyMetadata.KeyId, arn: out.KeyMetadata.Arn}
	rand.Read(k.material[:])
	return k, nil
}

// importMaterial wraps the material of a key, and imports it.
func (c *client) importMaterial(ctx context.Context, k *importedKey) error {
	p, err := c.kms.GetParametersForImport(ctx, &kms.GetParametersForImportInput{
		KeyId: k.arn, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	})
	if err != nil {
		return err
	}
	public, err := x509.ParsePKIXPublicKey(p.PublicKey)
	if err != nil {
		return err
	}
	rsaKey, ok := public.(*rsa.PublicKey)
	if !ok {
		return fmt.Errorf("the wrapping public key is a %T", public)
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, rsaKey, k.material[:], nil)
	if err != nil {
		return err
	}
	_, err = c.kms.ImportKeyMaterial(ctx, &kms.ImportKeyMaterialInput{
		KeyId: k.arn, ImportToken: p.ImportToken, EncryptedKeyMaterial: wrapped,
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	})
	return err
}

// prove compares the ID that the deployment shows for the material with the ID of our material
// (docs/ciphertext-format.md).
func (c *client) prove(ctx context.Context, k *importedKey) error {
	out, err := c.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: k.arn})
	if err != nil {
		return err
	}
	id, err := hkdf.Key(sha256.New, k.material[:], nil, "keyhold material id v1"+aws.ToString(k.id), 32)
	if err != nil {
		return err
	}
	if theirs := aws.ToString(out.KeyMetadata.CurrentKeyMaterialId); theirs != hex.EncodeToString(id) {
		return fmt.Errorf("%s has the material %q, not ours", aws.ToString(k.arn), theirs)
	}
	return nil
}

// encrypt encrypts the ARN of the key.
func (c *client) encrypt(ctx context.Context, k *importedKey) ([]byte, error) {
	out, err := c.kms.Encrypt(ctx, &kms.EncryptInput{KeyId: k.arn, Plaintext: []byte(aws.ToString(k.arn))})
	if err != nil {
		return nil, err
	}
	return out.CiphertextBlob, nil
}

func (c *client) decrypt(ctx context.Context, k *importedKey) error {
	out, err := c.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: k.ciphertext})
	if err == nil && string(out.Plaintext) != aws.ToString(k.arn) {
		err = errors.New("the ciphertext opened to another plaintext")
	}
	return err
}

// noteImport counts an event if it is of an import that succeeded.
func noteImport(all map[string]map[string]int, line []byte) {
	var e struct {
		EventID, EventName, ErrorCode string
		Resources                     []struct{ ARN string }
	}
	err := json.Unmarshal(line, &e)
	if err != nil || e.EventName != "ImportKeyMaterial" || e.ErrorCode != "" || len(e.Resources) == 0 {
		return
	}
	arn := e.Resources[0].ARN
	if all[arn] == nil {
		all[arn] = map[string]int{}
	}
	all[arn][e.EventID]++
}
