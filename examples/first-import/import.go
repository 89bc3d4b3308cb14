package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// life is how long the first import is valid.
const life = 90 * 24 * time.Hour

func (s *story) create(ctx context.Context) error {
	out, err := s.server.kms.CreateKey(ctx, &kms.CreateKeyInput{Origin: types.OriginTypeExternal})
	if err != nil {
		return err
	}
	k := out.KeyMetadata
	s.keyID, s.arn, s.created = aws.ToString(k.KeyId), aws.ToString(k.Arn), aws.ToTime(k.CreationDate)
	fmt.Fprintf(s.out, "    %s\n", s.arn)
	s.show("created", "%s, origin %s", date(s.created), k.Origin)
	return errors.Join(
		expect("the origin", k.Origin, types.OriginTypeExternal),
		s.expectState(ctx, types.KeyStatePendingImport))
}

func (s *story) download(ctx context.Context) (err error) {
	if s.params, err = s.parameters(ctx); err != nil {
		return err
	}
	s.show("key", "%d bytes, of an RSA_2048 pair for RSAES_OAEP_SHA_256", len(s.params.PublicKey))
	end := aws.ToTime(s.params.ParametersValidTo)
	s.show("token", "%d bytes, good until %s", len(s.params.ImportToken), date(end))
	return errors.Join(
		expect("the key of the token", aws.ToString(s.params.KeyId), s.arn),
		expect("the life of the token", time.Until(end).Round(time.Hour), 24*time.Hour))
}

func (s *story) wrap(context.Context) (err error) {
	rand.Read(s.material[:])
	if s.wrapped, err = wrapMaterial(s.params.PublicKey, s.material[:]); err != nil {
		return err
	}
	s.show("ours", "%d random bytes, of which we keep the original", len(s.material))
	s.show("to send", "%d bytes that only the server can open", len(s.wrapped))
	return nil
}

func (s *story) importFirst(ctx context.Context) error {
	s.validTo = time.Now().Add(life).Truncate(time.Second)
	if err := s.send(ctx, s.params.ImportToken, s.wrapped, s.validTo); err != nil {
		return err
	}
	return s.expectState(ctx, types.KeyStateEnabled)
}

// prove compares the server's ID of its key material with the ID that our material must have.
func (s *story) prove(ctx context.Context) error {
	k, err := s.describe(ctx)
	if err != nil {
		return err
	}
	ours, err := materialID(s.keyID, s.material[:])
	if err != nil {
		return err
	}
	theirs := aws.ToString(k.CurrentKeyMaterialId)
	s.show("ours", "%s", ours)
	s.show("server's", "%s", theirs)
	return expect("the key material ID", theirs, ours)
}

func (s *story) parameters(ctx context.Context) (*kms.GetParametersForImportOutput, error) {
	return s.server.kms.GetParametersForImport(ctx, &kms.GetParametersForImportInput{
		KeyId:             &s.arn,
		WrappingAlgorithm: types.AlgorithmSpecRsaesOaepSha256,
		WrappingKeySpec:   types.WrappingKeySpecRsa2048,
	})
}

// send imports wrapped material until validTo. Material without validTo does not expire.
func (s *story) send(ctx context.Context, token, wrapped []byte, validTo time.Time) error {
	in := &kms.ImportKeyMaterialInput{
		KeyId: &s.arn, ImportToken: token, EncryptedKeyMaterial: wrapped,
		ExpirationModel: types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	}
	if !validTo.IsZero() {
		in.ExpirationModel, in.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, &validTo
	}
	_, err := s.server.kms.ImportKeyMaterial(ctx, in)
	return err
}

// importWhole does steps 2 to 4 at once, because each import needs its own parameters.
func (s *story) importWhole(ctx context.Context, material []byte, validTo time.Time) error {
	params, err := s.parameters(ctx)
	if err != nil {
		return err
	}
	wrapped, err := wrapMaterial(params.PublicKey, material)
	if err != nil {
		return err
	}
	return s.send(ctx, params.ImportToken, wrapped, validTo)
}
