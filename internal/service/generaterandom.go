package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

var generateRandom = query("GenerateRandom", asks{{Action: "kms:GenerateRandom"}},
	func(in *api.GenerateRandomRequest, _ time.Time) error {
		switch {
		case in.CustomKeyStoreId != nil:
			return key.Errorf(key.KindUnsupportedOperation, "Custom key stores are not supported.")
		case in.NumberOfBytes == nil:
			return key.Errorf(key.KindValidation, "NumberOfBytes is required.")
		}
		return checkRecipient(in.Recipient)
	},
	func(_ *call, in *api.GenerateRandomRequest) (*api.GenerateRandomResponse, error) {
		return &api.GenerateRandomResponse{Plaintext: crypt.Random(int(*in.NumberOfBytes))}, nil
	})
