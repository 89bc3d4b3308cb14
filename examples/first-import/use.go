package main

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// The story encrypts this plaintext with this room in the encryption context.
const (
	plaintext = "the combination is 12-34-56"
	room      = "archive"
)

func encryptionContext() map[string]string { return map[string]string{"room": room} }

func (s *story) encrypt(ctx context.Context) error {
	out, err := s.encryptSecret(ctx)
	if err != nil {
		return err
	}
	s.ciphertext = out.CiphertextBlob
	s.show("Encrypt", "%d bytes, in the encryption context room=%s", len(s.ciphertext), room)
	if err := s.checkDecrypt(ctx); err != nil {
		return err
	}
	_, err = s.server.kms.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: s.ciphertext})
	return s.expectRefusal("Decrypt", "without that context", err, "InvalidCiphertextException")
}

func (s *story) encryptSecret(ctx context.Context) (*kms.EncryptOutput, error) {
	return s.server.kms.Encrypt(ctx, &kms.EncryptInput{
		KeyId: &s.arn, Plaintext: []byte(plaintext), EncryptionContext: encryptionContext(),
	})
}

func (s *story) decryptSecret(ctx context.Context) (*kms.DecryptOutput, error) {
	return s.server.kms.Decrypt(ctx, &kms.DecryptInput{
		CiphertextBlob: s.ciphertext, EncryptionContext: encryptionContext(),
	})
}

// checkDecrypt returns an error unless the ciphertext of step 6 decrypts to the secret.
func (s *story) checkDecrypt(ctx context.Context) error {
	out, err := s.decryptSecret(ctx)
	if err != nil {
		return err
	}
	s.show("Decrypt", "%q", out.Plaintext)
	return errors.Join(
		expect("the plaintext", string(out.Plaintext), plaintext),
		expect("the key that decrypted", aws.ToString(out.KeyId), s.arn))
}

func (s *story) describe(ctx context.Context) (*types.KeyMetadata, error) {
	out, err := s.server.kms.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &s.arn})
	if err != nil {
		return nil, err
	}
	return out.KeyMetadata, nil
}

// expectState checks the state of the key, the expiry of its material, and that it is still the key of
// step 1.
func (s *story) expectState(ctx context.Context, want types.KeyState) error {
	k, err := s.describe(ctx)
	if err != nil {
		return err
	}
	s.show("state", "%s", k.KeyState)
	until := aws.ToTime(k.ValidTo) // zero if it never expires
	var wanted time.Time
	if want == types.KeyStateEnabled {
		wanted = s.validTo
		s.show("expires", "%s", date(until))
	}
	return errors.Join(
		expect("the state", k.KeyState, want),
		expect("the expiry", date(until), date(wanted)),
		expect("the ARN", aws.ToString(k.Arn), s.arn),
		expect("the date of creation", date(aws.ToTime(k.CreationDate)), date(s.created)))
}
