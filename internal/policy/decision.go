package policy

import "github.com/keyhold/keyhold/internal/key"

// A Decision states whether a request is allowed, and why.
type Decision struct {
	Allowed  bool
	Explicit bool   // a statement denies it
	Cause    Role   // role of the document that denies, or of the documents that lack an Allow; "" if allowed
	By       Source // source of the Allow or of the explicit deny
}

// A Role is the role of a document in a decision.
type Role string

// The roles of documents, as error messages call them.
const (
	IdentityBased Role = "identity-based policy"
	ResourceBased Role = "resource-based policy"
	Boundary      Role = "permissions boundary"
	SessionPolicy Role = "session policy"
)

// A Source is the statement or grant that a decision comes from. It is empty if the decision needs none: the
// root of an account may access resources of the account that have no policy.
type Source struct {
	Role         Role
	Document     string // name of the document
	Sid          string // Sid of the statement; may be empty
	Index        int    // index of the statement, starting from 0
	Line, Column int    // position of the statement in the document, starting from 1
	Grant        string // ID of the grant; all other fields are then empty
}

// Decide decides a request. grants are the grants on the key. The time is bounded by the sizes of the documents
// and of the request. Decide modifies nothing.
func Decide(r Request, d Documents, grants []key.Grant) Decision {
	var action [64]byte
	e := evaluation{request: &r, docs: &d, grants: grants, one: new([1]string),
		action: string(appendLower(action[:0], r.Action))}
	return e.decide()
}

// DecideQuickly decides a request like Decide if this takes only a small part of a millisecond. Otherwise ok is
// false.
func DecideQuickly(r Request, d Documents, grants []key.Grant) (decision Decision, ok bool) {
	var action [64]byte
	e := evaluation{request: &r, docs: &d, grants: grants, one: new([1]string),
		action: string(appendLower(action[:0], r.Action)), withheld: maxWork - quickWork}
	decision = e.decide()
	return decision, !e.short
}

// Text explains a denial. It is the continuation of "… is not authorized to perform: ACTION on resource: RESOURCE
// ". Source: "Troubleshoot access denied error messages" in the IAM user guide.
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

// appendLower appends s in lower case. s is ASCII.
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
