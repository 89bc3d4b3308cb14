package main

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func (s *story) deleteMaterial(ctx context.Context) error {
	_, err := s.server.kms.DeleteImportedKeyMaterial(ctx, &kms.DeleteImportedKeyMaterialInput{KeyId: &s.arn})
	if err != nil {
		return err
	}
	if err := s.expectState(ctx, types.KeyStatePendingImport); err != nil {
		return err
	}
	_, err = s.encryptSecret(ctx)
	return s.expectRefusal("Encrypt", "once more", err, "KMSInvalidStateException")
}

func (s *story) importAgain(ctx context.Context) error {
	return s.importOriginal(ctx, s.validTo)
}

// expire moves the clock by the life of the material, which was imported a moment ago.
func (s *story) expire(ctx context.Context) error {
	said, err := s.server.advance(ctx, life)
	if err != nil {
		return err
	}
	s.show("clock", "%s", said)
	if err := s.expectState(ctx, types.KeyStatePendingImport); err != nil {
		return err
	}
	_, err = s.decryptSecret(ctx)
	return s.expectRefusal("Decrypt", "what step 6 encrypted", err, "KMSInvalidStateException")
}

func (s *story) importOther(ctx context.Context) error {
	other := make([]byte, materialSize)
	rand.Read(other)
	err := s.importWhole(ctx, other, time.Time{})
	if err := s.expectRefusal("import", "32 other bytes", err, "IncorrectKeyMaterialException"); err != nil {
		return err
	}
	return s.expectState(ctx, types.KeyStatePendingImport)
}

func (s *story) importLast(ctx context.Context) error {
	return s.importOriginal(ctx, time.Time{})
}

// importOriginal imports the original material, and checks that the key decrypts its old ciphertext.
func (s *story) importOriginal(ctx context.Context, validTo time.Time) error {
	s.validTo = validTo
	if err := s.importWhole(ctx, s.material[:], validTo); err != nil {
		return err
	}
	if err := s.expectState(ctx, types.KeyStateEnabled); err != nil {
		return err
	}
	return s.checkDecrypt(ctx)
}

func (s *story) restart(ctx context.Context) error {
	s.server.kill()
	server, err := startServer(ctx, s.server.program, s.server.data)
	if err != nil {
		return err
	}
	s.server = server
	s.show("endpoint", "%s", server.endpoint)
	if err := s.expectState(ctx, types.KeyStateEnabled); err != nil {
		return err
	}
	return s.checkDecrypt(ctx)
}
