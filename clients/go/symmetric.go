package main

import (
	"bytes"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// symmetric makes calls about encryption under a symmetric key, data keys and random bytes.
func symmetric(w *walk) {
	arn := w.arns["symmetric"]
	w.encryption(arn)
	w.dataKeys(arn)
	w.call("ReEncrypt", w.reEncrypt)
	w.call("GenerateRandom", w.random)
	w.call("DisableKey", func() error {
		if _, err := w.kms.DisableKey(w.ctx, &kms.DisableKeyInput{KeyId: arn}); err != nil {
			return err
		}
		_, err := w.kms.Encrypt(w.ctx, &kms.EncryptInput{KeyId: arn, Plaintext: plaintext})
		return refused[*types.DisabledException](err)
	})
	w.call("EnableKey", func() error {
		if _, err := w.kms.EnableKey(w.ctx, &kms.EnableKeyInput{KeyId: arn}); err != nil {
			return err
		}
		_, err := w.kms.Encrypt(w.ctx, &kms.EncryptInput{KeyId: arn, Plaintext: plaintext})
		return err
	})
}

func (w *walk) encryption(arn *string) {
	w.call("Encrypt", func() error {
		out, err := w.kms.Encrypt(w.ctx, &kms.EncryptInput{
			KeyId: arn, Plaintext: plaintext, EncryptionContext: encryptionContext(),
		})
		if err != nil {
			return err
		}
		w.ciphertext = out.CiphertextBlob
		got := []any{aws.ToString(out.KeyId), out.EncryptionAlgorithm}
		return expect("the key and the algorithm", got, []any{*arn, types.EncryptionAlgorithmSpecSymmetricDefault})
	})
	w.call("Decrypt", func() error {
		return w.decrypts(&kms.DecryptInput{
			CiphertextBlob: w.ciphertext, EncryptionContext: encryptionContext(),
		}, arn, plaintext)
	})
	w.call("Decrypt in another context", func() error {
		_, err := w.kms.Decrypt(w.ctx, &kms.DecryptInput{
			CiphertextBlob: w.ciphertext, EncryptionContext: map[string]string{"room": "cellar"},
		})
		return refused[*types.InvalidCiphertextException](err)
	})
	w.call("Encrypt as a dry run", func() error {
		_, err := w.kms.Encrypt(w.ctx, &kms.EncryptInput{KeyId: arn, Plaintext: plaintext, DryRun: aws.Bool(true)})
		return refused[*types.DryRunOperationException](err)
	})
	w.call("Encrypt of 4,097 bytes", func() error {
		_, err := w.kms.Encrypt(w.ctx, &kms.EncryptInput{KeyId: arn, Plaintext: make([]byte, 4097)})
		return refusedAs("ValidationException", err)
	})
}

func (w *walk) dataKeys(arn *string) {
	w.call("GenerateDataKey", func() error {
		out, err := w.kms.GenerateDataKey(w.ctx, &kms.GenerateDataKeyInput{
			KeyId: arn, KeySpec: types.DataKeySpecAes256, EncryptionContext: encryptionContext(),
		})
		if err != nil {
			return err
		}
		if err := expect("the number of bytes", len(out.Plaintext), 32); err != nil {
			return err
		}
		return w.decrypts(&kms.DecryptInput{
			CiphertextBlob: out.CiphertextBlob, EncryptionContext: encryptionContext(),
		}, arn, out.Plaintext)
	})
	w.call("GenerateDataKeyWithoutPlaintext", func() error {
		out, err := w.kms.GenerateDataKeyWithoutPlaintext(w.ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
			KeyId: arn, NumberOfBytes: aws.Int32(32),
		})
		if err != nil {
			return err
		}
		opened, err := w.kms.Decrypt(w.ctx, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob})
		if err != nil {
			return err
		}
		return expect("the number of bytes", len(opened.Plaintext), 32)
	})
}

// reEncrypt moves the ciphertext of Encrypt under the RSA key, and decrypts it there.
func (w *walk) reEncrypt() error {
	from, to := w.arns["symmetric"], w.arns["rsa encrypt"]
	moved, err := w.kms.ReEncrypt(w.ctx, &kms.ReEncryptInput{
		CiphertextBlob: w.ciphertext, SourceEncryptionContext: encryptionContext(),
		DestinationKeyId: to, DestinationEncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha1,
	})
	if err != nil {
		return err
	}
	got := []string{aws.ToString(moved.SourceKeyId), aws.ToString(moved.KeyId)}
	if err := expect("the keys", got, []string{*from, *to}); err != nil {
		return err
	}
	return w.decrypts(&kms.DecryptInput{
		CiphertextBlob: moved.CiphertextBlob, KeyId: to, EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha1,
	}, to, plaintext)
}

func (w *walk) random() error {
	some, err := w.kms.GenerateRandom(w.ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1024)})
	if err != nil {
		return err
	}
	others, err := w.kms.GenerateRandom(w.ctx, &kms.GenerateRandomInput{NumberOfBytes: aws.Int32(1024)})
	if err != nil {
		return err
	}
	got := []any{len(some.Plaintext), bytes.Equal(some.Plaintext, others.Plaintext)}
	return expect("the number of bytes, and whether they are the same again", got, []any{1024, false})
}

// decrypts returns an error unless a ciphertext decrypts to want under the key.
func (w *walk) decrypts(in *kms.DecryptInput, arn *string, want []byte) error {
	out, err := w.kms.Decrypt(w.ctx, in)
	if err != nil {
		return err
	}
	if err := expect("the key", aws.ToString(out.KeyId), *arn); err != nil {
		return err
	}
	return expect("the plaintext", out.Plaintext, want)
}
