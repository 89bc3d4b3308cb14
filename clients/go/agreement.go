package main

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// agreement makes calls about shared secrets, key pairs and encryption under RSA.
func agreement(w *walk) {
	w.call("DeriveSharedSecret", func() error { return w.derive(w.arns["p256 agree"]) })
	w.encapsulation(w.arns["ml-kem"])
	w.pairs(w.arns["symmetric"])
	w.rsa(w.arns["rsa encrypt"])
}

func (w *walk) derive(arn *string) error {
	ours, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.MarshalPKIXPublicKey(ours.PublicKey())
	if err != nil {
		return err
	}
	out, err := w.kms.DeriveSharedSecret(w.ctx, &kms.DeriveSharedSecretInput{
		KeyId: arn, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh, PublicKey: der,
	})
	if err != nil {
		return err
	}
	public, err := w.kms.GetPublicKey(w.ctx, &kms.GetPublicKeyInput{KeyId: arn})
	if err != nil {
		return err
	}
	signing, err := parse[*ecdsa.PublicKey](public.PublicKey)
	if err != nil {
		return err
	}
	theirs, err := signing.ECDH()
	if err != nil {
		return err
	}
	want, err := ours.ECDH(theirs)
	if err != nil {
		return err
	}
	return expect("the secret", out.SharedSecret, want)
}

func (w *walk) encapsulation(arn *string) {
	var made *kms.EncapsulateOutput
	w.call("Encapsulate", func() (err error) {
		made, err = w.kms.Encapsulate(w.ctx, &kms.EncapsulateInput{
			KeyId: arn, EncapsulationAlgorithm: types.EncapsulationAlgorithmSpecMlKem,
		})
		if err != nil {
			return err
		}
		return expect("the bytes", []int{len(made.SharedSecret), len(made.SharedSecretCiphertextBlob)}, []int{32, 1088})
	})
	w.call("Decapsulate", func() error {
		if err := w.decapsulates(arn, made.SharedSecretCiphertextBlob, made.SharedSecret); err != nil {
			return err
		}
		public, err := w.kms.GetPublicKey(w.ctx, &kms.GetPublicKeyInput{KeyId: arn})
		if err != nil {
			return err
		}
		// The key is the end of the SubjectPublicKeyInfo (RFC 9935, section 4).
		der := public.PublicKey
		ours, err := mlkem.NewEncapsulationKey768(der[max(0, len(der)-mlkem.EncapsulationKeySize768):])
		if err != nil {
			return err
		}
		secret, ciphertext := ours.Encapsulate()
		return w.decapsulates(arn, ciphertext, secret)
	})
}

func (w *walk) decapsulates(arn *string, ciphertext, secret []byte) error {
	out, err := w.kms.Decapsulate(w.ctx, &kms.DecapsulateInput{
		KeyId: arn, EncapsulationAlgorithm: types.EncapsulationAlgorithmSpecMlKem, SharedSecretCiphertextBlob: ciphertext,
	})
	if err != nil {
		return err
	}
	return expect("the secret", out.SharedSecret, secret)
}

func (w *walk) pairs(arn *string) {
	w.call("GenerateDataKeyPair", func() error {
		out, err := w.kms.GenerateDataKeyPair(w.ctx, &kms.GenerateDataKeyPairInput{
			KeyId: arn, KeyPairSpec: types.DataKeyPairSpecEccNistP256, EncryptionContext: encryptionContext(),
		})
		if err != nil {
			return err
		}
		if err := fit(out.PrivateKeyPlaintext, out.PublicKey); err != nil {
			return err
		}
		return w.decrypts(&kms.DecryptInput{
			CiphertextBlob: out.PrivateKeyCiphertextBlob, EncryptionContext: encryptionContext(),
		}, arn, out.PrivateKeyPlaintext)
	})
	w.call("GenerateDataKeyPairWithoutPlaintext", func() error {
		out, err := w.kms.GenerateDataKeyPairWithoutPlaintext(w.ctx, &kms.GenerateDataKeyPairWithoutPlaintextInput{
			KeyId: arn, KeyPairSpec: types.DataKeyPairSpecEccNistP256, EncryptionContext: encryptionContext(),
		})
		if err != nil {
			return err
		}
		opened, err := w.kms.Decrypt(w.ctx, &kms.DecryptInput{
			CiphertextBlob: out.PrivateKeyCiphertextBlob, EncryptionContext: encryptionContext(),
		})
		if err != nil {
			return err
		}
		return fit(opened.Plaintext, out.PublicKey)
	})
}

// fit returns an error unless the halves of a pair on P-256 belong together.
func fit(private, public []byte) error {
	parsed, err := x509.ParsePKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return fmt.Errorf("the private half: expected a %T, got a %T", key, parsed)
	}
	theirs, err := parse[*ecdsa.PublicKey](public)
	if err != nil {
		return err
	}
	got := []any{key.Curve.Params().Name, key.PublicKey.Equal(theirs)}
	return expect("the curve, and whether the halves fit", got, []any{"P-256", true})
}

func (w *walk) rsa(arn *string) {
	const algorithm = types.EncryptionAlgorithmSpecRsaesOaepSha256
	w.call("Encrypt RSAES_OAEP_SHA_256", func() error {
		out, err := w.kms.Encrypt(w.ctx, &kms.EncryptInput{KeyId: arn, EncryptionAlgorithm: algorithm, Plaintext: plaintext})
		if err != nil {
			return err
		}
		return w.decrypts(&kms.DecryptInput{
			KeyId: arn, EncryptionAlgorithm: algorithm, CiphertextBlob: out.CiphertextBlob,
		}, arn, plaintext)
	})
	w.call("Decrypt RSAES_OAEP_SHA_256", func() error {
		out, err := w.kms.GetPublicKey(w.ctx, &kms.GetPublicKeyInput{KeyId: arn})
		if err != nil {
			return err
		}
		public, err := parse[*rsa.PublicKey](out.PublicKey)
		if err != nil {
			return err
		}
		ours, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public, plaintext, nil)
		if err != nil {
			return err
		}
		return w.decrypts(&kms.DecryptInput{KeyId: arn, EncryptionAlgorithm: algorithm, CiphertextBlob: ours}, arn, plaintext)
	})
}
