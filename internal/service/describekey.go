package service

import "github.com/keyhold/keyhold/internal/api"

var describeKey = query("DescribeKey", asks{{"kms:DescribeKey", keyOrAlias("KeyId")}}, nil,
	func(c *call, _ *api.DescribeKeyRequest) (*api.DescribeKeyResponse, error) {
		return &api.DescribeKeyResponse{KeyMetadata: metadata(c.key())}, nil
	})
