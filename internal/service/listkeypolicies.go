package service

import (
	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var listKeyPolicies = query("ListKeyPolicies", asks{{Action: "kms:ListKeyPolicies", On: keyID("KeyId")}}, nil,
	func(c *call, in *api.ListKeyPoliciesRequest) (*api.ListKeyPoliciesResponse, error) {
		p, err := pageOf(c.Operation.Name, in.Marker, in.Limit, 100, 1000)
		if err != nil {
			return nil, err
		}
		out := &api.ListKeyPoliciesResponse{}
		out.PolicyNames = part(p, []string{key.DefaultPolicyName}, func(name string) string { return name })
		out.NextMarker, out.Truncated = p.next()
		return out, nil
	})
