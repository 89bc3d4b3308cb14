package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const day = 24 * time.Hour

// An imported is a key with our own key material.
type imported struct {
	*walk
	arn        *string
	params     *kms.GetParametersForImportOutput
	material   []byte
	materialID string
	ciphertext []byte
}

func imports(w *walk) {
	i := &imported{walk: w, material: randomBytes()}
	w.call("CreateKey of origin EXTERNAL", func() error {
		key, err := w.createKey(&kms.CreateKeyInput{Origin: types.OriginTypeExternal})
		if err != nil {
			return err
		}
		i.arn = key.Arn
		return expect("the state", key.KeyState, types.KeyStatePendingImport)
	})
	w.call("GetParametersForImport", func() error {
		if err := i.parameters(); err != nil {
			return err
		}
		return near("the end of the parameters", i.params.ParametersValidTo, day)
	})
	w.call("ImportKeyMaterial", i.first)
	w.call("Encrypt with imported material", func() error {
		out, err := w.kms.Encrypt(w.ctx, &kms.EncryptInput{
			KeyId: i.arn, Plaintext: plaintext, EncryptionContext: encryptionContext(),
		})
		if err != nil {
			return err
		}
		i.ciphertext = out.CiphertextBlob
		return nil
	})
	w.call("DeleteImportedKeyMaterial", func() error {
		if _, err := w.kms.DeleteImportedKeyMaterial(w.ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: i.arn}); err != nil {
			return err
		}
		return w.state(i.arn, types.KeyStatePendingImport)
	})
	w.call("Encrypt without material", func() error {
		_, err := w.kms.Encrypt(w.ctx, &kms.EncryptInput{KeyId: i.arn, Plaintext: plaintext})
		return refused[*types.KMSInvalidStateException](err)
	})
	w.call("ImportKeyMaterial of other bytes", func() error {
		_, err := i.bring(randomBytes(), nil)
		return refused[*types.IncorrectKeyMaterialException](err)
	})
	w.call("ImportKeyMaterial again", func() error {
		if err := i.parameters(); err != nil {
			return err
		}
		out, err := i.bring(i.material, nil)
		if err != nil {
			return err
		}
		return expect("the material", aws.ToString(out.KeyMaterialId), i.materialID)
	})
	w.call("Decrypt with imported material", func() error {
		return w.decrypts(&kms.DecryptInput{
			CiphertextBlob: i.ciphertext, EncryptionContext: encryptionContext(),
		}, i.arn, plaintext)
	})
	w.call("ImportKeyMaterial HMAC_256", func() error { return w.importMAC(i.material) })
}

func (i *imported) first() error {
	validTo := time.Now().Add(90 * day).Truncate(time.Second)
	out, err := i.bring(i.material, &validTo)
	if err != nil {
		return err
	}
	i.materialID = aws.ToString(out.KeyMaterialId)
	key, err := i.describe(i.arn)
	if err != nil {
		return err
	}
	got := []any{key.KeyState, key.ExpirationModel, aws.ToTime(key.ValidTo).UTC()}
	want := []any{types.KeyStateEnabled, types.ExpirationModelTypeKeyMaterialExpires, validTo.UTC()}
	return expect("the state and the expiry", got, want)
}

func (i *imported) parameters() (err error) {
	i.params, err = i.kms.GetParametersForImport(i.ctx, &kms.GetParametersForImportInput{
		KeyId: i.arn, WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256, WrappingKeySpec: types.WrappingKeySpecRsa2048,
	})
	if err != nil {
		return err
	}
	public, err := parse[*rsa.PublicKey](i.params.PublicKey)
	if err != nil {
		return err
	}
	return expect("the key and its bits", []any{aws.ToString(i.params.KeyId), public.N.BitLen()}, []any{*i.arn, 2048})
}

// bring wraps material and imports it. With a date, the material expires then.
func (i *imported) bring(material []byte, validTo *time.Time) (*kms.ImportKeyMaterialOutput, error) {
	public, err := parse[*rsa.PublicKey](i.params.PublicKey)
	if err != nil {
		return nil, err
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, material, nil)
	if err != nil {
		return nil, err
	}
	in := &kms.ImportKeyMaterialInput{
		KeyId: i.arn, ImportToken: i.params.ImportToken, EncryptedKeyMaterial: wrapped,
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	}
	if validTo != nil {
		in.ExpirationModel, in.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, validTo
	}
	return i.kms.ImportKeyMaterial(i.ctx, in)
}

func (w *walk) importMAC(material []byte) error {
	created, err := w.createKey(&kms.CreateKeyInput{
		Origin: types.OriginTypeExternal, KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac,
	})
	if err != nil {
		return err
	}
	i := &imported{walk: w, arn: created.Arn}
	if err := i.parameters(); err != nil {
		return err
	}
	if _, err := i.bring(material, nil); err != nil {
		return err
	}
	out, err := w.kms.GenerateMac(w.ctx, &kms.GenerateMacInput{
		KeyId: i.arn, Message: plaintext, MacAlgorithm: types.MacAlgorithmSpecHmacSha256,
	})
	if err != nil {
		return err
	}
	ours := hmac.New(sha256.New, material)
	ours.Write(plaintext)
	return expect("the code", out.Mac, ours.Sum(nil))
}

func randomBytes() []byte {
	b := make([]byte, 32)
	rand.Read(b)
	return b
}

// parse parses a SubjectPublicKeyInfo, which must be of type K.
func parse[K any](der []byte) (key K, err error) {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return key, err
	}
	key, ok := parsed.(K)
	if !ok {
		return key, fmt.Errorf("the public key: expected a %T, got a %T", key, parsed)
	}
	return key, nil
}

// near returns an error unless the date is want from now, give or take an hour.
func near(what string, date *time.Time, want time.Duration) error {
	if got := time.Until(aws.ToTime(date)); (got - want).Abs() > time.Hour {
		return fmt.Errorf("%s: expected in %v, got in %v", what, want, got)
	}
	return nil
}
