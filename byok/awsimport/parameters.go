package awsimport

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
)

// DefaultWrappingKeySpec is the spec of the wrapping key if a [Wrapping] names none.
const DefaultWrappingKeySpec = types.WrappingKeySpecRsa4096

// A Wrapping selects how to wrap material. The zero value selects the strongest way that always
// works: the algorithm of byok.AlgorithmFor, and DefaultWrappingKeySpec.
type Wrapping struct {
	Algorithm byok.Algorithm
	KeySpec   types.WrappingKeySpec
}

// A ParametersGetter gets import parameters. *kms.Client implements it.
type ParametersGetter interface {
	GetParametersForImport(
		context.Context, *kms.GetParametersForImportInput, ...func(*kms.Options),
	) (*kms.GetParametersForImportOutput, error)
}

// GetParameters asks for a wrapping public key and an import token for a key.
// Both are valid for 24 hours.
func GetParameters(
	ctx context.Context, c ParametersGetter, k *types.KeyMetadata, w Wrapping,
) (*byok.Parameters, error) {
	best, err := byok.AlgorithmFor(string(k.KeySpec))
	if err != nil {
		return nil, err
	}
	algorithm := cmp.Or(w.Algorithm, best)
	out, err := c.GetParametersForImport(ctx, &kms.GetParametersForImportInput{
		KeyId:             k.KeyId,
		WrappingAlgorithm: types.AlgorithmSpec(algorithm),
		WrappingKeySpec:   cmp.Or(w.KeySpec, DefaultWrappingKeySpec),
	})
	if err != nil {
		return nil, err
	}
	return &byok.Parameters{
		KeyARN:    aws.ToString(k.Arn),
		KeySpec:   string(k.KeySpec),
		Algorithm: algorithm,
		PublicKey: out.PublicKey,
		Token:     out.ImportToken,
		ValidTo:   aws.ToTime(out.ParametersValidTo),
	}, nil
}
