package policy

import "github.com/keyhold/keyhold/internal/key"

// An evaluation is one decision on its way.
type evaluation struct {
	request *Request
	docs    *Documents
	grants  []key.Grant
	action  string     // in lower case
	one     *[1]string // room for the value of a condition key
	work    int        // that was spent
	// withheld is the work that is not to be spent, and short says that some was missing.
	withheld int
	short    bool
	trace    *tracer // nil if nobody wants to know
}

// A verdict is what the documents of one role say.
type verdict struct {
	denied bool
	to     reach  // of the Allow that goes farthest
	by     Source // of the first Deny, or of that Allow
}

// hasPolicies reports whether there are policies about the principal itself: for
// the root of an account there are none, and somebody from outside has none yet.
func (p *Principal) hasPolicies() bool { return p.Kind == User || p.Kind == AssumedRole }

// consider reads the statements of a document into the verdict.
func (e *evaluation) consider(v *verdict, role Role, d *Document) {
	if d.Policy == nil {
		return
	}
	e.trace.document(role, d)
	for i := range d.Policy.statements {
		s := &d.Policy.statements[i]
		if e.trace == nil && !s.isAbout(e.action) {
			continue // most are about something else; who wants to know is told why
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

// considerAll reads several documents of one role.
func (e *evaluation) considerAll(v *verdict, role Role, documents []Document) {
	for i := range documents {
		e.consider(v, role, &documents[i])
	}
}

func source(role Role, d *Document, s *statement) Source {
	return Source{Role: role, Document: d.Name, Sid: s.sid, Index: s.index, Line: s.line, Column: s.column}
}

// A ruling is what all documents say.
type ruling struct {
	resource, identity, boundary, session verdict
}

// decide reads everything and decides.
func (e *evaluation) decide() Decision {
	var r ruling
	e.consider(&r.resource, ResourceBased, &e.docs.Resource)
	if e.request.Principal.hasPolicies() {
		e.considerAll(&r.identity, IdentityBased, e.docs.Identity)
		e.consider(&r.boundary, Boundary, &e.docs.Boundary)
		e.considerAll(&r.session, SessionPolicy, e.docs.Session)
	}
	if v, role := r.deny(); v != nil {
		return Decision{Explicit: true, Cause: role, By: v.by}
	}
	if e.docs.Resource.Policy != nil {
		e.considerGrants(&r.resource)
	}
	return e.weigh(&r)
}

// deny returns the verdict of the first explicit deny.
func (r *ruling) deny() (*verdict, Role) {
	for _, v := range []*verdict{&r.resource, &r.identity, &r.boundary, &r.session} {
		if v.denied {
			return v, v.by.Role
		}
	}
	return nil, ""
}
