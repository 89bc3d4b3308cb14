package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// An authenticator is the material of a key with the usage GENERATE_VERIFY_MAC. The spec of the
// key determines its one algorithm.
type authenticator interface {
	MAC(message []byte) []byte
}

var generateMac = query("GenerateMac", asks{{Action: "kms:GenerateMac", On: keyOrAlias("KeyId")}}, nil,
	func(c *call, in *api.GenerateMacRequest) (*api.GenerateMacResponse, error) {
		mac, err := c.mac(*in.MacAlgorithm, in.Message)
		if err == nil {
			err = dryRun(in.DryRun)
		}
		if err != nil {
			return nil, err
		}
		return &api.GenerateMacResponse{KeyId: new(c.key().ARN()), Mac: mac, MacAlgorithm: in.MacAlgorithm}, nil
	})

// mac returns the code of a message under the key of the first ask.
func (c *call) mac(algorithm string, message []byte) (mac []byte, err error) {
	if err := c.key().Use(c.Operation.Name, key.GenerateVerifyMAC, algorithm); err != nil {
		return nil, err
	}
	err = withCurrent(c, c.key(), func(made authenticator) error {
		mac = made.MAC(message)
		return nil
	})
	return mac, err
}
