package policy

import "github.com/keyhold/keyhold/internal/key"

// An evaluation is the state of one decision.
type evaluation struct {
	request *Request
	docs    *Documents
	grants  []key.Grant
	action  string     // in lower case
	one     *[1]string // storage for the value of a condition key
	work    int        // work spent so far
	// withheld is the part of maxWork that must not be spent. short is set if work was refused.
	withheld int
	short    bool
	trace    *tracer // nil unless the decision is explained
}

// A verdict is the result of the documents of one role.
type verdict struct {
	denied bool
	to     reach  // the farthest reach of an Allow
	by     Source // the first Deny, or the Allow with this reach
}

// hasPolicies reports whether the principal can have policies of its own. The root of an account has none, and
// neither has a WebIdentity before it assumes a role.
func (p *Principal) hasPolicies() bool { return p.Kind == User || p.Kind == AssumedRole }

// consider adds the statements of a document to the verdict.
func (e *evaluation) consider(v *verdict, role Role, d *Document) {
	if d.Policy == nil {
		return
	}
	e.trace.document(role, d)
	for i := range d.Policy.statements {
		s := &d.Policy.statements[i]
		if e.trace == nil && !s.isAbout(e.action) {
			continue // skip most statements, unless their results are wanted
		}
		to := s.matches(d.Policy.kind, e)
		switch {
		case to == none:
		case s.deny && !v.denied:
			*v = verdict{denied: true, by: source(role, d, s)}
		case !s.deny && !v.denied && to > v.to:
			v.to, v.by = to, source(role, d, s)
		}
	}
}

// considerEach adds several documents of one role.
func (e *evaluation) considerEach(v *verdict, role Role, documents []Document) {
	for i := range documents {
		e.consider(v, role, &documents[i])
	}
}

func source(role Role, d *Document, s *statement) Source {
	return Source{Role: role, Document: d.Name, Sid: s.sid, Index: s.index, Line: s.line, Column: s.column}
}

// A ruling is the result of all documents.
type ruling struct {
	resource, identity, boundary, session verdict
}

// decide evaluates all documents and grants, and decides.
func (e *evaluation) decide() Decision {
	var r ruling
	e.consider(&r.resource, ResourceBased, &e.docs.Resource)
	if e.request.Principal.hasPolicies() {
		e.considerEach(&r.identity, IdentityBased, e.docs.Identity)
		e.consider(&r.boundary, Boundary, &e.docs.Boundary)
		e.considerEach(&r.session, SessionPolicy, e.docs.Session)
	}
	if v, role := r.deny(); v != nil {
		return Decision{Explicit: true, Cause: role, By: v.by}
	}
	if e.docs.Resource.Policy != nil {
		e.considerGrants(&r.resource)
	}
	return e.combine(&r)
}

// deny returns the verdict with the first explicit deny.
func (r *ruling) deny() (*verdict, Role) {
	for _, v := range []*verdict{&r.resource, &r.identity, &r.boundary, &r.session} {
		if v.denied {
			return v, v.by.Role
		}
	}
	return nil, ""
}
