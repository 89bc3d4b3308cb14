package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// DescribeCustomKeyStores returns an empty list, because custom key stores are not supported.
var describeCustomKeyStores = query("DescribeCustomKeyStores", asks{{Action: "kms:DescribeCustomKeyStores"}},
	func(in *api.DescribeCustomKeyStoresRequest, _ time.Time) error {
		if in.CustomKeyStoreId != nil && in.CustomKeyStoreName != nil {
			return key.Errorf(key.KindValidation,
				"You cannot specify CustomKeyStoreId and CustomKeyStoreName in the same request.")
		}
		return nil
	},
	func(c *call, in *api.DescribeCustomKeyStoresRequest) (*api.DescribeCustomKeyStoresResponse, error) {
		if _, err := pageOf(c.Operation.Name, in.Marker, in.Limit, 1000, 1000); err != nil {
			return nil, err
		}
		if in.CustomKeyStoreId != nil || in.CustomKeyStoreName != nil {
			return nil, key.Errorf(key.KindCustomKeyStoreNotFound,
				"Custom key store '%s' does not exist.", or(in.CustomKeyStoreId, or(in.CustomKeyStoreName, "")))
		}
		return &api.DescribeCustomKeyStoresResponse{CustomKeyStores: []api.CustomKeyStoresListEntry{}}, nil
	})
