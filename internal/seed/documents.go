package seed

import (
	"cmp"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
)

// A Document is a policy in a file.
type Document struct {
	Text  string
	Trust bool // the trust policy of a role, not an identity-based policy

	place  *place
	member string
}

// Errorf returns an error at a line and column of the document, both counted from 1. The error also names the
// line of the file.
func (d Document) Errorf(line, column int, format string, args ...any) error {
	return d.place.errorf(d.member, "line %d, column %d of the policy: "+format, append([]any{line, column}, args...)...)
}

// Documents returns all policies of the file.
func (f File) Documents() (all []Document) {
	for _, p := range f.Policies {
		all = append(all, p.place.document(*p.Request.Document, "document", "file"))
	}
	for _, r := range f.Roles {
		trust := r.place.document(*r.Request.Trust, "trust", "trust_file")
		trust.Trust = true
		all = append(append(all, trust), inlineDocuments(r.Request.Policies, r.inner)...)
	}
	for _, u := range f.Users {
		all = append(all, inlineDocuments(u.Request.Policies, u.inner)...)
	}
	return all
}

func inlineDocuments(policies []api.InlinePolicy, places []*place) (all []Document) {
	for i, p := range policies {
		all = append(all, places[i].document(*p.Document, "document", "file"))
	}
	return all
}

// document returns the Document with the text. Its position is member inline if the member is present, else
// member named, which contains the name of a file.
func (p *place) document(text, inline, named string) Document {
	member := named
	if _, ok := p.members[inline]; ok {
		member = inline
	}
	return Document{Text: text, place: p, member: member}
}

// checkIdentities returns an error for two entries with the same identity.
func (f File) checkIdentities() error {
	seen := map[string]*place{}
	unique := func(kind string, account, name *string, member string, p *place) error {
		id := kind + " " + valueOr(account, "") + " " + strings.ToLower(valueOr(name, ""))
		if other, taken := seen[id]; taken {
			return p.errorf(member, "the %s in line %d has the same one: choose another; names are compared without regard "+
				"to case", kind, other.line)
		}
		seen[id] = p
		return nil
	}
	var problems []error
	for _, a := range f.Accounts {
		problems = append(problems, unique("account", nil, a.Request.AccountId, "id", a.place))
	}
	for _, p := range f.Policies {
		problems = append(problems, unique("policy", p.Request.AccountId, p.Request.Name, "name", p.place))
	}
	for _, p := range f.Providers {
		problems = append(problems, unique("oidc_provider", p.Request.AccountId, p.Request.Url, "url", p.place))
	}
	for _, r := range f.Roles {
		problems = append(problems, unique("role", r.Request.AccountId, r.Request.Name, "name", r.place))
	}
	for _, u := range f.Users {
		problems = append(problems, unique("user", u.Request.AccountId, u.Request.Name, "name", u.place))
	}
	return cmp.Or(problems...)
}
