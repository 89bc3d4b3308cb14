package awsimport

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// A Rotator rotates keys. *kms.Client implements it.
type Rotator interface {
	RotateKeyOnDemand(
		context.Context, *kms.RotateKeyOnDemandInput, ...func(*kms.Options),
	) (*kms.RotateKeyOnDemandOutput, error)
}

// Rotate makes the material that waits in a key current. The API allows 25 rotations
// for each key.
func Rotate(ctx context.Context, c Rotator, keyID string) error {
	_, err := c.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: &keyID})
	return err
}

// Materials returns all materials of a symmetric key, with the state and the expiry of
// each, the oldest first.
func Materials(
	ctx context.Context, c kms.ListKeyRotationsAPIClient, keyID string,
) (all []types.RotationsListEntry, err error) {
	pages := kms.NewListKeyRotationsPaginator(c, &kms.ListKeyRotationsInput{
		KeyId: &keyID, IncludeKeyMaterial: types.IncludeKeyMaterialAllKeyMaterial,
	}, func(o *kms.ListKeyRotationsPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Rotations...)
	}
	return all, nil
}
