package service

import (
	"cmp"
	"errors"
	"reflect"
	"slices"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A declaration is the change that brings one record to its declared content.
type declaration struct {
	account string
	dry     bool
	arn     string
	created bool
	members []string  // the members that differ, by their names in files of declarations
	keys    []madeKey // access keys that the change creates
}

// declaration returns an empty declaration in the account, or in the caller's account if
// account is nil.
func (c *call) declaration(account *string, dry *bool) (*declaration, error) {
	in, err := c.accountOf(account)
	return &declaration{account: in, dry: or(dry, false)}, err
}

// differ records a member whose values differ.
func (d *declaration) differ(member string, is, shall any) {
	if !reflect.DeepEqual(is, shall) {
		d.members = append(d.members, member)
	}
}

// changes reports whether anything differs.
func (d *declaration) changes() bool { return d.created || len(d.members) > 0 }

// declare runs fn, which brings one record to its declared content, in a transaction. It
// commits nothing if nothing differs, or in a dry run.
func (c *call) declare(d *declaration, fn func(tx *store.Tx) error) (*api.PutIdentityResponse, error) {
	in := func(tx *store.Tx) error {
		d.created, d.members = false, nil
		if err := fn(tx); err != nil {
			return err
		}
		switch {
		case d.dry:
			return errDryRunEnds
		case !d.changes():
			return errUnchanged
		}
		return c.touch(tx, d.account)
	}
	var err error
	if d.dry {
		err = c.store.Update(c.ctx, in)
	} else {
		err = c.commit(in)
	}
	if err != nil && !errors.Is(err, errDryRunEnds) && !errors.Is(err, errUnchanged) {
		return nil, err
	}
	return d.response(), nil
}

func (d *declaration) response() *api.PutIdentityResponse {
	out := &api.PutIdentityResponse{Arn: &d.arn, Change: new("none"), Members: d.members}
	switch {
	case d.created:
		out.Change, out.Members = new("created"), nil
	case d.changes():
		out.Change = new("changed")
	}
	if d.dry {
		return out
	}
	for _, k := range d.keys {
		out.NewAccessKeys = append(out.NewAccessKeys, api.AccessKey{AccessKeyId: &k.id, SecretAccessKey: &k.secret})
	}
	return out
}

// entityMembers are the members that users and roles have in common.
type entityMembers struct {
	name, path, boundary *string
	managed              []string
	policies             []api.InlinePolicy
	tags                 []api.Tag
}

// entity returns e with the declared members.
func (c *call) entity(tx *store.Tx, d *declaration, e identity.Entity, m entityMembers) (identity.Entity, error) {
	was := e
	e.Account, e.Path = d.account, or(m.path, "/")
	if d.created {
		e.Name, e.Created = *m.name, c.now
	}
	if e.Name != *m.name {
		return e, key.Errorf(key.KindAlreadyExists,
			"There is one of the name %q already: names are not told apart by case.", e.Name)
	}
	e.Inline = inlinePolicies(m.policies)
	e.Tags = identityTags(m.tags)
	var err error
	if e.Attached, err = d.policyARNs(tx, m.managed); err != nil {
		return e, err
	}
	e.Boundary = ""
	if m.boundary != nil {
		if e.Boundary, err = d.policyARN(tx, *m.boundary); err != nil {
			return e, err
		}
	}
	d.differ("path", was.Path, e.Path)
	d.differ("tags", was.Tags, e.Tags)
	d.differ("policy", was.Inline, e.Inline)
	d.differ("managed_policies", was.Attached, e.Attached)
	d.differ("permissions_boundary", was.Boundary, e.Boundary)
	return e, nil
}

func inlinePolicies(given []api.InlinePolicy) (all []identity.InlinePolicy) {
	for _, p := range given {
		all = append(all, identity.InlinePolicy{Name: *p.Name, Document: *p.Document})
	}
	slices.SortFunc(all, func(a, b identity.InlinePolicy) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

func identityTags(given []api.Tag) (all []identity.Tag) {
	for _, t := range given {
		all = append(all, identity.Tag{Key: *t.TagKey, Value: *t.TagValue})
	}
	slices.SortFunc(all, func(a, b identity.Tag) int { return cmp.Compare(a.Key, b.Key) })
	return all
}

func (d *declaration) policyARNs(tx *store.Tx, names []string) (all []string, err error) {
	for _, name := range names {
		arn, err := d.policyARN(tx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, arn)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// policyARN returns the ARN of a managed policy of the account, given by its ARN or name. In a
// dry run, a policy given by its ARN need not exist yet.
func (d *declaration) policyARN(tx *store.Tx, name string) (string, error) {
	path := records.NamedPath(d.account, name)
	account, kind, _, ofARN, isARN := identity.ParseARN(name)
	if isARN {
		path = records.NamedPath(account, ofARN)
		if account != d.account || kind != "policy" {
			return "", key.Errorf(key.KindValidation, "%s is not a managed policy of account %s.", name, d.account)
		}
	}
	p, ok, err := records.ManagedPolicies.Get(tx, path)
	switch {
	case err != nil:
		return "", err
	case isARN && !ok && d.dry:
		return name, nil
	case !ok || isARN && p.ARN() != name:
		return "", key.Errorf(key.KindNotFound, "There is no managed policy %s in account %s.", name, d.account)
	}
	return p.ARN(), nil
}

// checkNamed checks the form of a name and a path.
func checkNamed(name, path *string, valid func(string) bool) error {
	switch {
	case !valid(*name):
		return key.Errorf(key.KindValidation, "%q is not a name: a name can have letters, digits and any of +=,.@_-.", *name)
	case !identity.ValidPath(or(path, "/")):
		return key.Errorf(key.KindValidation, "%q is not a path: a path begins and ends with a slash.", *path)
	}
	return nil
}

// checkEntity checks what the shape of a user or role cannot express. mostInline is the maximum
// total size of the inline policies.
func checkEntity(m entityMembers, mostInline int) error {
	if err := checkNamed(m.name, m.path, identity.ValidName); err != nil {
		return err
	}
	size := 0
	names := map[string]bool{}
	for _, p := range m.policies {
		if !identity.ValidPolicyName(*p.Name) || names[*p.Name] {
			return key.Errorf(key.KindValidation, "%q is not the name of a policy, or is listed twice.", *p.Name)
		}
		names[*p.Name] = true
		size += policySize(*p.Document)
		if err := checkDocument(*p.Document, policy.IdentityPolicy); err != nil {
			return err
		}
	}
	if size > mostInline {
		return key.Errorf(key.KindLimitExceeded,
			"The inline policies have %d characters together, and can have %d: make managed policies of them.", size, mostInline)
	}
	return checkSessionTags(identityTags(m.tags), nil)
}
