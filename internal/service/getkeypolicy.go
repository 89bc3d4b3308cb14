package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var getKeyPolicy = query("GetKeyPolicy", asks{{Action: "kms:GetKeyPolicy", On: keyID("KeyId")}},
	func(in *api.GetKeyPolicyRequest, _ time.Time) error { return checkPolicyName(in.PolicyName) },
	func(c *call, _ *api.GetKeyPolicyRequest) (*api.GetKeyPolicyResponse, error) {
		return &api.GetKeyPolicyResponse{Policy: new(c.key().Policy), PolicyName: new(key.DefaultPolicyName)}, nil
	})
