package service

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

var retireGrant = change("RetireGrant", asks{{Action: "kms:RetireGrant", On: keyOfGrant, May: mayRetire}}, checkRetireGrant,
	func(c *call, in *api.RetireGrantRequest) (*api.Empty, error) {
		id, err := c.grantID(in)
		if err != nil {
			return nil, err
		}
		c.told.additional = fmt.Appendf(nil, `{"grantId":%q}`, id)
		return nil, c.commitWithoutGrant(id, in.DryRun)
	})

// grantID returns the ID of the grant that is to be retired.
func (c *call) grantID(in *api.RetireGrantRequest) (id string, err error) {
	switch {
	case in.GrantToken == nil && in.GrantId == nil:
		return "", missingMember("grantId")
	case in.GrantToken == nil:
		return *in.GrantId, nil
	}
	_, id, err = c.openGrantToken(*in.GrantToken)
	return id, err
}

// mayRetire decides in the place of policies and grants. A grant may be retired by
// its retiring principal, by its grantee if it allows that, and by the account that
// created it, whose own policies may let others do so. The key policy has no say,
// but who is denied it by a policy of their own may not. Source: "Retiring and
// revoking grants" in the developer guide.
func mayRetire(c *call, action string, t target, k key.Key, missing error) error {
	in := c.Input.(*api.RetireGrantRequest)
	id, err := c.grantID(in)
	if err != nil {
		return err
	}
	g, there, err := grants.Latest(c.ctx, c.store, pathOf(k)+"/"+id)
	if err != nil {
		return err
	}
	if missing != nil || !there {
		return c.unseen(action, t, cmp.Or(missing, error(key.Errorf(key.KindNotFound, "Grant ID %s not found on %s", id, t.ref.ARN()))))
	}
	q, err := c.question(action, t, k)
	if err != nil {
		return err
	}
	q.request.Owner = g.IssuingAccount
	switch d := q.decide(q.documents, nil); {
	case d.Allowed:
		return q.values.err
	case !d.Explicit && c.mayRetireOf(g):
		c.trace.allowedBy(g)
		return q.values.err
	}
	return c.unseen(action, t, nil)
}

// mayRetireOf reports whether the grant itself names the caller.
func (c *call) mayRetireOf(g key.Grant) bool {
	p := c.Caller.Principal
	names := []key.Principal{key.Principal(p.ARN)}
	if p.RoleARN != "" {
		names = append(names, key.Principal(p.RoleARN))
	}
	return slices.Contains(names, g.Retiring) || slices.Contains(names, g.Grantee) && slices.Contains(g.Operations, "RetireGrant")
}

// checkRetireGrant wants a token, or a key and a grant ID.
func checkRetireGrant(in *api.RetireGrantRequest, _ time.Time) error {
	byToken, byID := in.GrantToken != nil, in.GrantId != nil && in.KeyId != nil
	switch {
	case byToken && (in.GrantId != nil || in.KeyId != nil), !byToken && !byID:
		return key.Errorf(key.KindValidation, "You must specify either a GrantToken, or both a KeyId and a GrantId.")
	case byID:
		return key.CheckGrantID(*in.GrantId)
	}
	return nil
}

// keyOfGrant finds the key that the grant to be retired is on. A token names its
// key, which must be of the caller's Region.
func keyOfGrant(c *call, in any) (target, error) {
	token := in.(*api.RetireGrantRequest).GrantToken
	if token == nil {
		return keyID("KeyId")(c, in)
	}
	on, _, err := c.openGrantToken(*token)
	if err == nil && on.Region != c.Caller.Region {
		err = errGrantToken
	}
	return target{ref: on}, err
}
