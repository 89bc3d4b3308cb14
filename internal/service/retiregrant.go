package service

import (
	"cmp"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
)

var retireGrant = change("RetireGrant",
	asks{{Action: "kms:RetireGrant", On: keyOfGrant, May: mayRetire}}, checkRetireGrant,
	func(c *call, in *api.RetireGrantRequest) (*api.Empty, error) {
		id, err := c.grantID(in)
		if err != nil {
			return nil, err
		}
		c.details.additional = fmt.Appendf(nil, `{"grantId":%q}`, id)
		return nil, c.commitWithoutGrant(id, in.DryRun)
	})

// grantID returns the ID of the grant to retire.
func (c *call) grantID(in *api.RetireGrantRequest) (id string, err error) {
	switch {
	case in.GrantToken == nil && in.GrantId == nil:
		return "", errMissingMember("grantId")
	case in.GrantToken == nil:
		return *in.GrantId, nil
	}
	_, id, err = c.openGrantToken(*in.GrantToken)
	return id, err
}

// mayRetire decides in place of policies and grants. The retiring principal may retire a grant,
// and so may the grantee if the grant allows RetireGrant. The account that created the grant
// may retire it too, and its policies may allow this to others. The key policy is not read, but
// a Deny in the caller's own policies applies. Source: "Retiring and revoking grants" in the
// developer guide.
func mayRetire(c *call, action string, t target, k key.Key, missing error) error {
	in := c.Input.(*api.RetireGrantRequest)
	id, err := c.grantID(in)
	if err != nil {
		return err
	}
	g, there, err := read(c.source(), records.Grants, records.PathOf(k)+"/"+id)
	if err != nil {
		return err
	}
	if missing != nil || !there {
		return c.refuseBlind(action, t, cmp.Or(missing, error(key.Errorf(key.KindNotFound,
			"Grant ID %s not found on %s", id, t.ref.ARN()))))
	}
	q, err := c.question(action, t, k)
	if err != nil {
		return err
	}
	q.request.Owner = g.IssuingAccount
	d := q.decide(q.documents, nil)
	if !d.Allowed && !d.Explicit {
		d, err = q.retires(g)
	}
	if err == nil && d.Allowed {
		err = q.values.err
	} else if err == nil {
		err = c.refuseBlind(action, t, nil)
	}
	return err
}

// emptyPolicy is a policy that neither allows nor denies anything.
const emptyPolicy = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": "*"}}`

// retires decides with the grant itself. It treats the retiring principal as the grantee of a
// grant for RetireGrant, with the same constraints, and without a key policy.
func (q *question) retires(g key.Grant) (policy.Decision, error) {
	documents := q.documents
	p, err := q.c.compiled.get(emptyPolicy, policy.KeyPolicy)
	q.request.Owner, documents.Resource = q.request.Principal.Account, policy.Document{Policy: p}
	return q.decide(documents, []key.Grant{g, {ID: g.ID, Grantee: g.Retiring, Operations: []string{"RetireGrant"}}}), err
}

// checkRetireGrant requires either a token, or a key and a grant ID.
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

// keyOfGrant finds the key of the grant to retire. A token names the key, which must be in the
// caller's Region.
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
