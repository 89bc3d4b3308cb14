package service

import "github.com/keyhold/keyhold/internal/api/sts"

// GetCallerIdentity needs no permission, and no policy can deny it.
var getCallerIdentity = query("GetCallerIdentity", nil, nil,
	func(c *call, _ *sts.GetCallerIdentityRequest) (*sts.GetCallerIdentityResponse, error) {
		p := c.Caller.Principal
		return &sts.GetCallerIdentityResponse{UserId: &p.ID, Account: &p.AccountID, Arn: &p.ARN}, nil
	})
