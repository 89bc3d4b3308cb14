package policy

import (
	"github.com/keyhold/keyhold/internal/key"
)

// A Type is the type of a policy.
type Type uint8

// The types of policies.
const (
	KeyPolicy      Type = iota // policy of a key
	TrustPolicy                // policy of a role that states who may assume it
	IdentityPolicy             // policy of a user or role, permissions boundary, or session policy
)

// A Policy is a parsed document. It is immutable.
type Policy struct {
	kind       Type
	statements []statement
	named      []key.Principal
}

// Parse parses a policy. Errors are of type *SyntaxError. A statement of a key policy without Action or
// Resource is accepted and has no effect. Sources: "Grammar of the IAM JSON policy language" in the IAM user
// guide and, for key policies, the operation PutKeyPolicy.
func Parse(text string, t Type) (*Policy, error) {
	r := newReader(text)
	// "IAM JSON policy elements: Version": 2008-10-17 is the default.
	d := draft{r: r, kind: t, version: "2008-10-17", sids: map[string]bool{}}
	if err := r.object("the policy", d.member); err != nil {
		return nil, err
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	if d.statements == nil {
		return nil, r.fail(0, "the policy has no Statement")
	}
	return d.policy(), nil
}

// Principals returns the principals that the policy names, without duplicates: ARNs of users, roles, sessions
// and account roots, and names of services and identity providers. It leaves out the *, which names nobody in
// particular.
func (p *Policy) Principals() []key.Principal { return p.named }

// A draft is a policy that is being read. It is compiled at the end, because its version, which determines the
// meaning of its strings, may be the last member.
type draft struct {
	r          *reader
	kind       Type
	version    string
	statements []draftStatement
	sids       map[string]bool // Sids of the statements so far
}

// member reads a member of the policy.
func (d *draft) member(name word) error {
	switch {
	case name.text == "Version":
		return d.readVersion()
	case name.text == "Statement":
		return d.r.list("Statement", d.statement)
	case name.text == "Id" && d.kind != IdentityPolicy: // "It must not be included in identity-based policies."
		_, err := d.r.word("Id")
		return err
	}
	return d.r.fail(name.at, "a policy of this type has no %q", name.text)
}

func (d *draft) readVersion() error {
	v, err := d.r.word("Version")
	if err == nil && v.text != "2012-10-17" && v.text != "2008-10-17" {
		err = d.r.fail(v.at, "Version is neither 2012-10-17 nor 2008-10-17")
	}
	d.version = v.text
	return err
}

// statement reads a statement.
func (d *draft) statement() error {
	d.r.place = d.r.place.to(d.r.at(), d.r.text)
	s := draftStatement{r: d.r, kind: d.kind, place: d.r.place}
	if err := d.r.object("a statement", s.member); err != nil {
		return err
	}
	if err := s.check(); err != nil {
		return err
	}
	if s.sid.text != "" && d.sids[s.sid.text] {
		return d.r.fail(s.sid.at, "another statement has the same Sid")
	}
	d.sids[s.sid.text] = true
	d.statements = append(d.statements, s)
	return nil
}
