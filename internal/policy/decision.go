package policy

import "github.com/keyhold/keyhold/internal/key"

// A Decision is whether a request is allowed, and why.
type Decision struct {
	Allowed  bool
	Explicit bool   // denied by a statement
	Cause    Role   // of the document that denies, or of those that lack an Allow; "" if allowed
	By       Source // what allows, or denies explicitly
}

// A Role is what a document is to a request.
type Role string

// The roles of documents, as messages call them.
const (
	IdentityBased Role = "identity-based policy"
	ResourceBased Role = "resource-based policy"
	Boundary      Role = "permissions boundary"
	SessionPolicy Role = "session policy"
)

// A Source is what a decision comes from: a statement or a grant. It is empty
// where nothing has to say something: what has no policy is open to the root of
// its account.
type Source struct {
	Role         Role
	Document     string // its name
	Sid          string // of the statement; may be empty
	Index        int    // of the statement, from 0
	Line, Column int    // of the statement in the document, from 1
	Grant        string // the ID of the grant; then only this is set
}

// Decide decides a request. The grants are those on the key. Its time is bounded
// by the sizes of documents and request; it changes nothing.
func Decide(r Request, d Documents, grants []key.Grant) Decision {
	var action [64]byte
	e := evaluation{request: &r, docs: &d, grants: grants, one: new([1]string), action: string(appendLower(action[:0], r.Action))}
	return e.decide()
}

// DecideQuickly decides a request as Decide does if that takes no longer than a small part
// of a millisecond; ok is false if it would.
func DecideQuickly(r Request, d Documents, grants []key.Grant) (decision Decision, ok bool) {
	var action [64]byte
	e := evaluation{request: &r, docs: &d, grants: grants, one: new([1]string), action: string(appendLower(action[:0], r.Action)), withheld: maxWork - quickWork}
	decision = e.decide()
	return decision, !e.short
}

// Text says why an action is denied, to go on after "… is not authorized to
// perform: ACTION on resource: RESOURCE ". Source: "Troubleshoot access denied
// error messages" in the IAM user guide.
func (d Decision) Text(action string) string {
	switch {
	case d.Allowed:
		return ""
	case !d.Explicit:
		return "because no " + string(d.Cause) + " allows the " + action + " action"
	case d.Cause == IdentityBased:
		return "with an explicit deny in an " + string(d.Cause)
	}
	return "with an explicit deny in a " + string(d.Cause)
}

// appendLower appends s in lower case; actions are ASCII.
func appendLower(b []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return b
}
