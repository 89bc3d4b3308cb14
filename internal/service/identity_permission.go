package service

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
)

// An administered is the identity that a request of an administrator is about.
type administered struct {
	account, kind, name string
	path                string // in the request; "" if the request has none
	byKey               bool   // the request names an access key of the identity
}

// administeredBy returns the identity that the members of a request name. ok is false if the request is about no single
// identity.
func (c *call) administeredBy(in any) (a administered, ok bool, err error) {
	switch in := in.(type) {
	case *api.PutAccountRequest:
		a.kind, a.name = kindAccount, or(in.AccountId, c.Caller.Principal.AccountID)
	case *api.PutPolicyRequest:
		a.kind, a.path = kindPolicy, or(in.Path, "/")
		a.name, err = c.needed(in, "Name")
	case *api.PutProviderRequest:
		a.kind = kindProvider
		a.name, err = c.needed(in, "Url")
		a.name = strings.TrimPrefix(a.name, "https://")
	case *api.PutRoleRequest:
		a.kind, a.path = kindRole, or(in.Path, "/")
		a.name, err = c.needed(in, "Name")
	case *api.PutUserRequest:
		a.kind, a.path = kindUser, or(in.Path, "/")
		a.name, err = c.needed(in, "Name")
	case *api.RotateAccessKeyRequest:
		a.kind, a.name = kindUser, or(in.Name, "")
	case *api.SetIdentityStateRequest:
		if in.AccessKeyId != nil {
			return c.ownerOfKey(*in.AccessKeyId)
		}
		a.kind, a.name = or(in.Kind, ""), or(in.Name, "")
	case *api.IdentityRequest:
		a.kind, err = c.needed(in, "Kind")
		a.name = or(in.Name, "")
	default:
		return a, false, nil
	}
	if err == nil {
		a.account, err = c.accountOf(c.text(in, "AccountId"))
	}
	if a.kind == kindUser && a.name == "" || a.kind == kindAccount {
		a = administered{account: cmp.Or(a.name, a.account), kind: kindAccount}
	}
	return a, err == nil, err
}

// ownerOfKey returns the user or root that has an access key. ok is false if there is no such access key.
func (c *call) ownerOfKey(id string) (a administered, ok bool, err error) {
	k, ok, err := read(c.source(), records.AccessKeys, id)
	if a = (administered{account: k.Account, kind: kindUser, name: k.User, byKey: true}); k.User == "" {
		a.kind = kindAccount
	}
	return a, ok, err
}

// named returns the ARN of the identity as the request names it.
func (a administered) named() string {
	path := a.path
	if path == "" {
		path = "/"
	}
	e := identity.Entity{Account: a.account, Name: a.name, Path: path}
	switch a.kind {
	case kindAccount:
		return identity.Root(a.account).ARN
	case kindUser:
		return identity.User{Entity: e}.ARN()
	case kindRole:
		return identity.Role{Entity: e}.ARN()
	case kindPolicy:
		return identity.ManagedPolicy{Account: a.account, Name: a.name, Path: path}.ARN()
	case kindProvider:
		return identity.OIDCProvider{Account: a.account, Issuer: a.name}.ARN()
	}
	return "*"
}

// shown returns how refusals name the identity: they do not show the owner of an access key.
func (a administered) shown() string {
	if a.byKey {
		return "*"
	}
	return a.named()
}

// entity returns the user or role as it is now.
func (a administered) entity(from source) (e identity.Entity, arn string, ok bool, err error) {
	path := records.NamedPath(a.account, a.name)
	switch a.kind {
	case kindUser:
		u, ok, err := read(from, records.Users, path)
		return u.Entity, u.ARN(), ok, err
	case kindRole:
		r, ok, err := read(from, records.Roles, path)
		return r.Entity, r.ARN(), ok, err
	}
	return e, "", false, nil
}

// arns returns the ARNs on which the caller needs the permission: the ARN of the identity as it is now, and the ARN
// that the request gives it, which can have another path.
func (a administered) arns(from source) (all []string, err error) {
	_, arn, ok, err := a.entity(from)
	if err == nil && a.kind == kindPolicy {
		var p identity.ManagedPolicy
		p, ok, err = read(from, records.ManagedPolicies, records.NamedPath(a.account, a.name))
		arn = p.ARN()
	}
	if err != nil {
		return nil, err
	}
	if ok {
		all = append(all, arn)
	}
	if !ok || a.path != "" && a.named() != arn {
		all = append(all, a.named())
	}
	return all, nil
}

// theIdentity is the finder of the identity that a request is about.
func theIdentity(c *call, in any) (target, error) {
	a, ok, err := c.administeredBy(in)
	if err != nil || !ok {
		return target{resource: "*"}, err
	}
	return target{resource: a.shown()}, nil
}

// ofTheirOwn lists the operations that users of all accounts may use on themselves, and roots on themselves, if their
// policies allow it. All others are for principals of the deployment's account.
var ofTheirOwn = strings.Fields("RotateAccessKey SetIdentityState ShowIdentity")

// mayAdminister is the decider of operations on identities: the policies of the caller must allow the action on the
// identity. The caller must belong to the deployment's account, or be the identity. The credentials of a root are for
// roots alone.
func mayAdminister(c *call, action string, t target, k key.Key, missing error) error {
	a, ok, err := c.administeredBy(c.Input)
	if err != nil {
		return err
	}
	if !ok {
		return mayInDeployment(c, action, t, k, missing)
	}
	own, err := c.isOwn(a)
	if err != nil {
		return err
	}
	if !own {
		if err := c.checkInDeployment(action, a.shown()); err != nil {
			return err
		}
	}
	all, err := a.arns(c.source())
	if err != nil {
		return err
	}
	for _, arn := range all {
		if err := c.mayActOn(action, arn, a.shown()); err != nil {
			return err
		}
	}
	return c.checkRights(action, a, own)
}

// isOwn reports whether the caller is the identity, and the operation is for users themselves.
func (c *call) isOwn(a administered) (bool, error) {
	p := c.Caller.Principal
	if !slices.Contains(ofTheirOwn, c.Operation.Name) || p.AccountID != a.account {
		return false, nil
	}
	if a.kind == kindAccount {
		return p.Kind == identity.KindAccount, nil
	}
	e, _, ok, err := a.entity(c.source())
	return ok && a.kind == kindUser && p.Kind == identity.KindUser && e.ID == p.ID, err
}

// checkInDeployment refuses principals of other accounts than the account of the deployment.
func (c *call) checkInDeployment(action, resource string) error {
	deployment, err := c.administrator()
	if err != nil {
		return err
	}
	if p := c.Caller.Principal; p.AccountID != deployment {
		if c.trace != nil {
			_ = c.mayAct(action, resource) // an explanation shows the policies too
		}
		return errNotAuthorized(p, action, resource, "because it is for principals of the deployment's account alone")
	}
	return nil
}

// The reasons why a change is refused although policies allow the action.
const (
	becauseOfRoot     = "because only a root may change the credentials of a root"
	becauseOfBoundary = "because the change could exceed the caller's permissions boundary or session policy"
	becauseOfSession  = "because temporary credentials of a user cannot make or change the user's own access keys"
)

// checkRights refuses changes that would give the caller, by way of another identity, rights that the caller does not
// have because of a permissions boundary or a session policy, and changes of the credentials of a root.
func (c *call) checkRights(action string, a administered, own bool) error {
	p := c.Caller.Principal
	refuse := func(reason string) error { return errNotAuthorized(p, action, a.shown(), reason) }
	if p.Kind != identity.KindAccount && a.kind == kindAccount && c.changesCredentials() {
		return refuse(becauseOfRoot)
	}
	if own && p.Kind == identity.KindUser && p.Session != nil && c.Operation.Name != "ShowIdentity" {
		return refuse(becauseOfSession)
	}
	kept, err := c.keepsLimits(a, own)
	if err == nil && !kept {
		err = refuse(becauseOfBoundary)
	}
	return err
}

// changesCredentials reports whether the request makes, enables or disables access keys.
func (c *call) changesCredentials() bool {
	switch in := c.Input.(type) {
	case *api.PutAccountRequest:
		return or(in.AccessKeys, 0) > 0
	case *api.RotateAccessKeyRequest, *api.SetIdentityStateRequest:
		return true
	}
	return false
}

// keepsLimits reports whether the caller has neither a permissions boundary nor a session policy, or whether the change
// gives rights only to identities with the same boundary.
func (c *call) keepsLimits(a administered, own bool) (bool, error) {
	e, _, err := entityOf(c.source(), c.Caller.Principal)
	session := c.Caller.Principal.Session
	limited := session != nil && session.IsLimited()
	if err != nil || e.Boundary == "" && !limited {
		return err == nil, err
	}
	switch in := c.Input.(type) {
	case *api.PutUserRequest:
		return c.keepsBoundary(a, e.Boundary, limited, in.PermissionsBoundary)
	case *api.PutRoleRequest:
		return c.keepsBoundary(a, e.Boundary, limited, in.PermissionsBoundary)
	case *api.RotateAccessKeyRequest:
		if own {
			return !limited, nil
		}
		return c.keepsBoundary(a, e.Boundary, limited, &e.Boundary)
	case *api.PutPolicyRequest:
		_, known, err := read(c.source(), records.ManagedPolicies, records.NamedPath(a.account, a.name))
		return !known, err // identities without the boundary may have the policy
	case *api.SetIdentityStateRequest:
		if !or(in.Enabled, false) {
			return true, nil
		}
		return c.keepsBoundary(a, e.Boundary, limited, &e.Boundary) // the caller may know credentials of the identity
	case *api.PutAccountRequest, *api.PutProviderRequest:
		return false, nil
	}
	return true, nil // the others give nobody rights
}

// keepsBoundary reports whether an identity has the boundary, if it exists, and keeps or gets it.
func (c *call) keepsBoundary(a administered, boundary string, limited bool, given *string) (bool, error) {
	e, _, known, err := a.entity(c.source())
	if err != nil || limited || known && e.Boundary != boundary || given == nil {
		return false, err
	}
	if path, isARN := records.PolicyPath(*given); isARN {
		own, _ := records.PolicyPath(boundary)
		return path == own, nil
	}
	own, ok := records.PolicyPath(boundary)
	return ok && records.NamedPath(a.account, *given) == own, nil
}

// mayActOn is mayAct whose refusal names the resource in another way.
func (c *call) mayActOn(action, resource, named string) error {
	err := c.mayAct(action, resource)
	if refused, ok := errors.AsType[*key.Error](err); ok && refused.Kind == key.KindAccessDenied && named != resource {
		refused.Message = strings.Replace(refused.Message, "on resource: "+resource+" ", "on resource: "+named+" ", 1)
	}
	return err
}
