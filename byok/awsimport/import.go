package awsimport

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
)

// An Importer imports wrapped material. *kms.Client implements it.
type Importer interface {
	ImportKeyMaterial(
		context.Context, *kms.ImportKeyMaterialInput, ...func(*kms.Options),
	) (*kms.ImportKeyMaterialOutput, error)
}

// Import sends wrapped material that expires at validTo, at most 365 days from
// now, or never if validTo is zero. It must be the first material of the key, or material that the
// key has had before. Import returns the key material ID that the server assigned, for [CheckID]
// to compare.
func Import(ctx context.Context, c Importer, w *byok.Wrapped, validTo time.Time) (keyMaterialID string, err error) {
	return importAs(ctx, c, "", w, validTo)
}

// ImportNew imports material that a symmetric key has not had before. Unless it is
// the key's first, it waits until [Rotate] makes it current; only one can wait at
// a time.
func ImportNew(ctx context.Context, c Importer, w *byok.Wrapped, validTo time.Time) (keyMaterialID string, err error) {
	return importAs(ctx, c, types.ImportTypeNewKeyMaterial, w, validTo)
}

func importAs(
	ctx context.Context, c Importer, importType types.ImportType, w *byok.Wrapped, validTo time.Time,
) (keyMaterialID string, err error) {
	in := &kms.ImportKeyMaterialInput{
		ImportType:           importType,
		KeyId:                &w.KeyARN,
		ImportToken:          w.Token,
		EncryptedKeyMaterial: w.Material,
		ExpirationModel:      types.ExpirationModelTypeKeyMaterialDoesNotExpire,
	}
	if !validTo.IsZero() {
		in.ExpirationModel, in.ValidTo = types.ExpirationModelTypeKeyMaterialExpires, &validTo
	}
	out, err := c.ImportKeyMaterial(ctx, in)
	if err != nil {
		return "", err
	}
	return aws.ToString(out.KeyMaterialId), nil
}
