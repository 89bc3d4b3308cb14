package seed

import (
	"maps"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
)

// An Account is a declared account.
type Account struct {
	Request api.PutAccountRequest
	*place
}

// A Policy is a declared managed policy.
type Policy struct {
	Request api.PutPolicyRequest
	*place
}

// A Provider is a declared OIDC provider.
type Provider struct {
	Request api.PutProviderRequest
	*place
}

// A Role is a declared role.
type Role struct {
	Request api.PutRoleRequest
	inner   []*place // places of its inline policies
	*place
}

// A User is a declared user. Only dev servers accept its fixed access keys.
type User struct {
	Request api.PutUserRequest
	Keys    []AccessKey
	inner   []*place
	*place
}

// An AccessKey is a fixed access key of a user.
type AccessKey struct {
	Request api.SeedAccessKeyRequest
	*place
}

// addIdentities adds everything that a file declares besides keys.
func (f *File) addIdentities(doc document, d Defaults) error {
	for _, e := range doc.Accounts {
		if e.ID == nil || !key.ValidAccount(*e.ID) {
			return e.place.errorf("id", "it must be the 12 digits of an account")
		}
		f.Accounts = append(f.Accounts, Account{api.PutAccountRequest{AccountId: e.ID, Name: e.Name,
			AccessKeys: e.AccessKeys}, e.place})
	}
	for _, e := range doc.Policies {
		p, err := e.policy(d)
		if err != nil {
			return err
		}
		f.Policies = append(f.Policies, p)
	}
	for _, e := range doc.Providers {
		p, err := e.provider(d)
		if err != nil {
			return err
		}
		f.Providers = append(f.Providers, p)
	}
	for _, e := range doc.Roles {
		r, err := e.role(d)
		if err != nil {
			return err
		}
		f.Roles = append(f.Roles, r)
	}
	for _, e := range doc.Users {
		u, err := e.user(d)
		if err != nil {
			return err
		}
		f.Users = append(f.Users, u)
	}
	return nil
}

func (e policyEntry) policy(d Defaults) (Policy, error) {
	if err := needName(e.place, e.Name); err != nil {
		return Policy{}, err
	}
	document, err := d.document(e.place, text{e.Document, e.File}, "document", "file")
	return Policy{api.PutPolicyRequest{AccountId: e.Account, Name: e.Name, Path: e.Path, Description: e.Description,
		Document: document}, e.place}, err
}

func (e providerEntry) provider(d Defaults) (Provider, error) {
	if e.URL == nil {
		return Provider{}, e.place.errorf("url",
			`it is missing: give the issuer of its tokens, such as url = "https://oidc.example.com"`)
	}
	in := api.PutProviderRequest{AccountId: e.Account, Url: e.URL, ClientIds: e.ClientIDs}
	if e.CAFile != nil {
		roots, err := d.read(e.place, "ca_file", *e.CAFile)
		if err != nil {
			return Provider{}, err
		}
		in.Roots = &roots
	}
	return Provider{in, e.place}, nil
}

func (e roleEntry) role(d Defaults) (r Role, err error) {
	h := e.holder()
	if err := needName(e.place, e.Name); err != nil {
		return r, err
	}
	r.place, r.inner = e.place, e.place.inner["policy"]
	r.Request = api.PutRoleRequest{
		AccountId: e.Account, Name: e.Name, Path: e.Path, Description: e.Description, MaxSessionSeconds: e.MaxSession,
		ManagedPolicies: e.Managed, PermissionsBoundary: e.Boundary, Tags: h.apiTags(),
	}
	if r.Request.Trust, err = d.document(e.place, text{e.Trust, e.TrustFile}, "trust", "trust_file"); err != nil {
		return r, err
	}
	r.Request.Policies, err = d.inline(h, r.inner)
	return r, err
}

func (e userEntry) user(d Defaults) (u User, err error) {
	h := e.holder()
	if err := needName(e.place, e.Name); err != nil {
		return u, err
	}
	u.place, u.inner = e.place, e.place.inner["policy"]
	u.Request = api.PutUserRequest{
		AccountId: e.Account, Name: e.Name, Path: e.Path, AccessKeys: e.AccessKeys,
		ManagedPolicies: e.Managed, PermissionsBoundary: e.Boundary, Tags: h.apiTags(),
	}
	for _, k := range e.Keys {
		if k.ID == nil || k.Secret == nil {
			return u, k.place.errorf("access_key", "it needs an id and a secret")
		}
		in := api.SeedAccessKeyRequest{AccountId: e.Account, Name: e.Name, AccessKeyId: k.ID, SecretAccessKey: k.Secret}
		u.Keys = append(u.Keys, AccessKey{in, k.place})
	}
	u.Request.Policies, err = d.inline(h, u.inner)
	return u, err
}

func needName(p *place, name *string) error {
	if name == nil {
		return p.errorf("name", `it is missing: give one, such as name = "payroll"`)
	}
	return nil
}

func (h holder) apiTags() (all []api.Tag) {
	for _, name := range slices.Sorted(maps.Keys(h.tags)) {
		all = append(all, api.Tag{TagKey: &name, TagValue: new(h.tags[name])})
	}
	return all
}

func (d Defaults) inline(h holder, places []*place) (all []api.InlinePolicy, err error) {
	for i, p := range h.policies {
		if err := needName(places[i], p.Name); err != nil {
			return nil, err
		}
		document, err := d.document(places[i], text{p.Document, p.File}, "document", "file")
		if err != nil {
			return nil, err
		}
		all = append(all, api.InlinePolicy{Name: p.Name, Document: document})
	}
	return all, nil
}

// document returns a JSON document, from member inline or from the file that member named names.
func (d Defaults) document(p *place, t text, inline, named string) (*string, error) {
	switch {
	case (t.document == nil) == (t.file == nil):
		return nil, p.errorf(inline, "give the JSON document in %s, in three single quotes, or the name of its file in "+
			"%s: one of the two", inline, named)
	case t.document != nil:
		return t.document, nil
	}
	content, err := d.read(p, named, *t.file)
	return &content, err
}

func (d Defaults) read(p *place, member, name string) (string, error) {
	if d.ReadFile == nil {
		return "", p.errorf(member, "files cannot be read here")
	}
	content, err := d.ReadFile(name)
	if err != nil {
		return "", p.errorf(member, "%w", err)
	}
	return strings.ToValidUTF8(string(content), "\uFFFD"), nil
}
