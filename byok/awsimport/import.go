package awsimport

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
)

// An Importer takes wrapped material. A *kms.Client is one.
type Importer interface {
	ImportKeyMaterial(context.Context, *kms.ImportKeyMaterialInput, ...func(*kms.Options)) (*kms.ImportKeyMaterialOutput, error)
}

// Import sends wrapped material, to be good until validTo, at most 365 days from
// now, or for ever if that is zero. It must be the first of the key, or one that the
// key knows. It returns the key material ID that the server gave, which [CheckID]
// compares.
func Import(ctx context.Context, c Importer, w *byok.Wrapped, validTo time.Time) (keyMaterialID string, err error) {
	return importAs(ctx, c, "", w, validTo)
}

// ImportNew is [Import] of material that a symmetric key does not know. Unless it is
// the key's first, it waits until [Rotate] makes it the current one; one can wait at
// a time.
func ImportNew(ctx context.Context, c Importer, w *byok.Wrapped, validTo time.Time) (keyMaterialID string, err error) {
	return importAs(ctx, c, types.ImportTypeNewKeyMaterial, w, validTo)
}

func importAs(ctx context.Context, c Importer, importType types.ImportType, w *byok.Wrapped, validTo time.Time) (keyMaterialID string, err error) {
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
