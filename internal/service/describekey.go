package service

import "github.com/keyhold/keyhold/internal/api"

var describeKey = query("DescribeKey", asks{{Action: "kms:DescribeKey", On: keyOrAlias("KeyId")}}, nil,
	func(c *call, _ *api.DescribeKeyRequest) (*api.DescribeKeyResponse, error) {
		m, err := c.describe(c.key())
		if err != nil {
			return nil, err
		}
		return &api.DescribeKeyResponse{KeyMetadata: m}, nil
	})
