package policy

// weigh decides what nothing denies.
func (e *evaluation) weigh(r *ruling) Decision {
	p := &e.request.Principal
	switch {
	case p.Kind == WebIdentity:
		if r.resource.to == none {
			return implicit(ResourceBased)
		}
		return allowed(r.resource.by)
	case p.Account == "" || p.Account != e.request.Owner:
		return e.weighOutsider(r)
	case e.docs.Resource.Policy == nil:
		return e.weighWithoutPolicy(r)
	}
	return e.weighInsider(r)
}

// weighInsider decides for a principal of the account of the resource. Sources:
// "Policy evaluation logic"; and "Key policies in AWS KMS", by which policies of
// the account allow nothing that the key policy does not leave to the account.
func (e *evaluation) weighInsider(r *ruling) Decision {
	switch {
	case r.resource.to == none:
		return implicit(ResourceBased)
	case r.resource.to > delegated:
		return e.limit(r, r.resource.to, r.resource.by)
	case r.identity.to == none:
		return implicit(IdentityBased)
	}
	return e.limit(r, delegated, r.identity.by)
}

// weighOutsider decides for a principal of another account: both sides have to
// allow. Sources: "Cross-account policy evaluation logic"; "Allowing users in
// other accounts to use a KMS key".
func (e *evaluation) weighOutsider(r *ruling) Decision {
	switch {
	case r.resource.to == none:
		return implicit(ResourceBased)
	case e.request.Principal.Kind == Account:
		return allowed(r.resource.by)
	case r.identity.to == none:
		return implicit(IdentityBased)
	}
	return e.limit(r, delegated, r.resource.by)
}

// weighWithoutPolicy decides about what has no policy of its own.
func (e *evaluation) weighWithoutPolicy(r *ruling) Decision {
	switch {
	case e.request.Principal.Kind == Account:
		return allowed(Source{})
	case r.identity.to == none:
		return implicit(IdentityBased)
	}
	return e.limit(r, delegated, r.identity.by)
}

// limit decides whether an Allow is within the permissions boundary and the
// session policies, where it does not go beyond them. Source: "Policy evaluation
// logic", "Resource-based policies".
//
// The root of an account has neither: "Permissions boundaries for IAM entities" are
// for "users or roles", and of the sessions of a root only those of GetSessionToken
// are served, which take no policies.
func (e *evaluation) limit(r *ruling, to reach, by Source) Decision {
	switch {
	case !e.request.Principal.hasPolicies():
		return allowed(by)
	case to < toUser && e.docs.Boundary.Policy != nil && r.boundary.to == none:
		return implicit(Boundary)
	case to < direct && len(e.docs.Session) > 0 && r.session.to == none:
		return implicit(SessionPolicy)
	}
	return allowed(by)
}

func allowed(by Source) Decision  { return Decision{Allowed: true, By: by} }
func implicit(role Role) Decision { return Decision{Cause: role} }
