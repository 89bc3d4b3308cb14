package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var putKeyPolicy = change("PutKeyPolicy", asks{{Action: "kms:PutKeyPolicy", On: keyID("KeyId")}},
	func(in *api.PutKeyPolicyRequest, _ time.Time) error { return checkPolicyName(in.PolicyName) },
	func(c *call, in *api.PutKeyPolicyRequest) (*api.Empty, error) {
		err := c.hold(func() error {
			return c.checkPolicy(*in.Policy, c.key(), in.BypassPolicyLockoutSafetyCheck)
		})
		if err != nil {
			return nil, err
		}
		return nil, c.commitKey(func(k key.Key) (key.Key, error) {
			k.Policy = *in.Policy
			return k, nil
		})
	})
