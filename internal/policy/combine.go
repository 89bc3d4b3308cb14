package policy

// combine decides a request that no statement denies.
func (e *evaluation) combine(r *ruling) Decision {
	p := &e.request.Principal
	switch {
	case p.Kind == WebIdentity:
		if r.resource.to == none {
			return implicitDeny(ResourceBased)
		}
		return allowedBy(r.resource.by)
	case p.Account == "" || p.Account != e.request.Owner:
		return e.decideCrossAccount(r)
	case e.docs.Resource.Policy == nil:
		return e.decideWithoutPolicy(r)
	}
	return e.decideInAccount(r)
}

// decideInAccount decides for a principal of the account that owns the resource. Sources: "Policy evaluation
// logic", and "Key policies in AWS KMS": policies of the account allow only what the key policy delegates to
// the account.
func (e *evaluation) decideInAccount(r *ruling) Decision {
	switch {
	case r.resource.to == none:
		return implicitDeny(ResourceBased)
	case r.resource.to > delegated:
		return e.applyLimits(r, r.resource.to, r.resource.by)
	case r.identity.to == none:
		return implicitDeny(IdentityBased)
	}
	return e.applyLimits(r, delegated, r.identity.by)
}

// decideCrossAccount decides for a principal of another account: both sides must allow the request. Sources:
// "Cross-account policy evaluation logic"; "Allowing users in other accounts to use a KMS key".
func (e *evaluation) decideCrossAccount(r *ruling) Decision {
	switch {
	case r.resource.to == none:
		return implicitDeny(ResourceBased)
	case e.request.Principal.Kind == Account:
		return allowedBy(r.resource.by)
	case r.identity.to == none:
		return implicitDeny(IdentityBased)
	}
	return e.applyLimits(r, delegated, r.resource.by)
}

// decideWithoutPolicy decides for a resource that has no policy.
func (e *evaluation) decideWithoutPolicy(r *ruling) Decision {
	switch {
	case e.request.Principal.Kind == Account:
		return allowedBy(Source{})
	case r.identity.to == none:
		return implicitDeny(IdentityBased)
	}
	return e.applyLimits(r, delegated, r.identity.by)
}

// applyLimits applies the permissions boundary and the session policies to an Allow, unless its reach goes beyond
// them. Source: "Policy evaluation logic", "Resource-based policies".
//
// They do not apply to the root of an account: "Permissions boundaries for IAM entities" are for "users or
// roles", and the only sessions of a root that are supported come from GetSessionToken, which takes no
// policies.
func (e *evaluation) applyLimits(r *ruling, to reach, by Source) Decision {
	switch {
	case !e.request.Principal.hasPolicies():
		return allowedBy(by)
	case to < toUser && e.docs.Boundary.Policy != nil && r.boundary.to == none:
		return implicitDeny(Boundary)
	case to < direct && len(e.docs.Session) > 0 && r.session.to == none:
		return implicitDeny(SessionPolicy)
	}
	return allowedBy(by)
}

func allowedBy(by Source) Decision    { return Decision{Allowed: true, By: by} }
func implicitDeny(role Role) Decision { return Decision{Cause: role} }
