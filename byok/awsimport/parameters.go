package awsimport

import (
	"cmp"
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
)

// What a [Wrapping] asks for when it does not say.
const (
	DefaultAlgorithm       = byok.RSAESOAEPSHA256
	DefaultWrappingKeySpec = types.WrappingKeySpecRsa4096
)

// A Wrapping says how material shall be wrapped. The zero value asks for the
// strongest: DefaultAlgorithm and DefaultWrappingKeySpec.
type Wrapping struct {
	Algorithm byok.Algorithm
	KeySpec   types.WrappingKeySpec
}

// A ParametersGetter asks for import parameters. A *kms.Client is one.
type ParametersGetter interface {
	GetParametersForImport(context.Context, *kms.GetParametersForImportInput, ...func(*kms.Options)) (*kms.GetParametersForImportOutput, error)
}

// GetParameters asks for a wrapping public key and an import token for a key.
// They are good for 24 hours.
func GetParameters(ctx context.Context, c ParametersGetter, k *types.KeyMetadata, w Wrapping) (*byok.Parameters, error) {
	algorithm := cmp.Or(w.Algorithm, DefaultAlgorithm)
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
