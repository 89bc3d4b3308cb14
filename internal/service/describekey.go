package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var describeKey = query("DescribeKey", asks{{"kms:DescribeKey", keyOrAlias("KeyId")}},
	func(in *api.DescribeKeyRequest, _ time.Time) error { return checkGrantTokens(in.GrantTokens) },
	func(c *call, _ *api.DescribeKeyRequest) (*api.DescribeKeyResponse, error) {
		return &api.DescribeKeyResponse{KeyMetadata: metadata(c.key())}, nil
	})

// checkGrantTokens refuses every grant token: no grant was ever created, so none
// is valid.
func checkGrantTokens(tokens []string) error {
	if len(tokens) > 0 {
		return key.Errorf(key.KindInvalidGrantToken, "The grant token is not valid.")
	}
	return nil
}
