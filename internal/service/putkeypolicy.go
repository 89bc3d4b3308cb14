package service

import (
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var putKeyPolicy = change("PutKeyPolicy", asks{{"kms:PutKeyPolicy", keyID("KeyId")}},
	func(in *api.PutKeyPolicyRequest, _ time.Time) error { return checkPolicyName(in.PolicyName) },
	func(c *call, in *api.PutKeyPolicyRequest) (*api.Empty, error) {
		if err := c.checkPolicy(*in.Policy, c.key().Account, in.BypassPolicyLockoutSafetyCheck); err != nil {
			return nil, err
		}
		var changed key.Key
		err := c.commitKey(func(k key.Key) (key.Key, error) {
			k.Policy = *in.Policy
			changed = k
			return k, nil
		})
		if err == nil {
			c.warnOfPolicy(changed)
		}
		return nil, err
	})
