package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
)

var verifyMac = query("VerifyMac", asks{{Action: "kms:VerifyMac", On: keyOrAlias("KeyId")}}, nil,
	func(c *call, in *api.VerifyMacRequest) (*api.VerifyMacResponse, error) {
		mac, err := c.mac(*in.MacAlgorithm, in.Message)
		if err == nil && !crypt.EqualMAC(mac, in.Mac) {
			err = key.Errorf(key.KindInvalidMac, "")
		}
		if err == nil {
			err = dryRun(in.DryRun)
		}
		if err != nil {
			return nil, err
		}
		return &api.VerifyMacResponse{KeyId: new(c.key().ARN()), MacAlgorithm: in.MacAlgorithm, MacValid: true}, nil
	})
