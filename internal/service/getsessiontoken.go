package service

import (
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
)

// Durations of sessions of GetSessionToken, in seconds: the default, and the limit for the root
// of an account.
const (
	defaultUserSession = 12 * 3600
	maxRootSession     = 3600
)

// GetSessionToken needs no permission, but policies can deny it.
var getSessionToken = query("GetSessionToken", nil,
	func(in *sts.GetSessionTokenRequest, _ time.Time) error {
		return checkNoMFA(in.SerialNumber, in.TokenCode)
	},
	func(c *call, in *sts.GetSessionTokenRequest) (*sts.GetSessionTokenResponse, error) {
		p := c.Caller.Principal
		if p.Session != nil {
			return nil, key.Errorf(key.KindAccessDenied, "Cannot call GetSessionToken with session credentials")
		}
		if err := c.hold(func() error { return c.checkNotDenied("sts:GetSessionToken") }); err != nil {
			return nil, err
		}
		s := identity.Session{Account: p.AccountID}
		seconds := or(in.DurationSeconds, defaultUserSession)
		if p.Kind == identity.KindUser {
			u, _, err := read(c.source(), records.Users, records.NamedPath(p.AccountID, p.UserName))
			if err != nil {
				return nil, err
			}
			s.User, s.UserID, s.Generation = p.UserName, p.ID, u.Generation
		} else {
			a, _, err := read(c.source(), records.Accounts, p.AccountID)
			if err != nil {
				return nil, err
			}
			s.Generation, seconds = a.Generation, min(seconds, maxRootSession)
		}
		out, err := c.issue(s, seconds, in.MinimumSessionTokenSize)
		return &sts.GetSessionTokenResponse{
			Credentials:             out.credentials,
			SessionTokenSize:        out.size,
			SessionTokenUtilization: out.utilization,
		}, err
	})

// checkNotDenied refuses an action that a policy of the caller denies. It does not require an
// Allow.
func (c *call) checkNotDenied(action string) error {
	p := c.Caller.Principal
	d, err := c.documentsOf(c.source(), p)
	if err != nil {
		return err
	}
	r := policy.Request{
		Principal: policyPrincipal(p),
		Action:    action,
		Resource:  "*",
		Owner:     p.AccountID,
		Time:      c.now,
		Values:    c.stsValues(),
	}
	decision, err := c.decideFairly(r, d, nil)
	if decision.Explicit {
		return errNotAuthorized(p, action, "*", decision.Text(action))
	}
	return err
}

// checkNoMFA rejects requests with a code of an MFA device, because MFA devices are not
// supported.
func checkNoMFA(serial, code *string) error {
	if serial != nil || code != nil {
		return key.Errorf(key.KindAccessDenied,
			"MultiFactorAuthentication failed, unable to validate MFA code. Devices for it are not supported.")
	}
	return nil
}

// roleUser returns the session of a role in the form of the STS API's answers.
func roleUser(role identity.Role, name string) *sts.AssumedRoleUser {
	return &sts.AssumedRoleUser{AssumedRoleId: new(fmt.Sprintf("%s:%s", role.ID, name)), Arn: new(role.SessionARN(name))}
}
