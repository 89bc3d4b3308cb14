package main

import (
	"context"
	"errors"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/seed"
)

// An item is the request of one declaration.
type item struct {
	operation string
	in        any
	dryRun    **bool // the DryRun of the request
	errorf    func(format string, args ...any) error
	account   *string
	name      string
	policies  []*string // the names of managed policies in the request
	plan      api.PutIdentityResponse
}

// itemsOf returns the declarations of a file, in an order in which an item precedes the items
// that refer to it.
func itemsOf(f seed.File) (all []*item) {
	for _, d := range f.Accounts {
		in := &d.Request
		all = append(all, &item{operation: "PutAccount", in: in, dryRun: &in.DryRun, errorf: withLine(d, "id")})
	}
	for _, d := range f.Policies {
		in := &d.Request
		all = append(all, &item{operation: putPolicy, in: in, dryRun: &in.DryRun, errorf: withLine(d, "name"),
			account: in.AccountId, name: *in.Name})
	}
	for _, d := range f.Providers {
		in := &d.Request
		all = append(all, &item{operation: "PutProvider", in: in, dryRun: &in.DryRun, errorf: withLine(d, "url")})
	}
	for _, d := range f.Roles {
		in := &d.Request
		all = append(all, &item{operation: "PutRole", in: in, dryRun: &in.DryRun, errorf: withLine(d, "name"),
			account: in.AccountId, policies: policiesOf(in.ManagedPolicies, in.PermissionsBoundary)})
	}
	for _, d := range f.Users {
		in := &d.Request
		all = append(all, &item{operation: "PutUser", in: in, dryRun: &in.DryRun, errorf: withLine(d, "name"),
			account: in.AccountId, policies: policiesOf(in.ManagedPolicies, in.PermissionsBoundary)})
	}
	return all
}

const putPolicy = "PutPolicy"

func policiesOf(managed []string, boundary *string) (all []*string) {
	for i := range managed {
		all = append(all, &managed[i])
	}
	if boundary != nil {
		all = append(all, boundary)
	}
	return all
}

// withLine returns a function that makes an error with the line of a member of a declaration.
func withLine(d interface {
	Errorf(member, format string, args ...any) error
}, member string) func(string, ...any) error {
	return func(format string, args ...any) error { return d.Errorf(member, format, args...) }
}

// put sends an item. A dry run only asks the server what the item would change.
func (i *item) put(ctx context.Context, server *connection, dryRun bool) (out api.PutIdentityResponse, err error) {
	*i.dryRun = &dryRun
	if err = server.call(ctx, api.TargetAdmin, i.operation, i.in, &out); err != nil {
		if refused, ok := errors.AsType[*devRefusal](err); ok && !refused.general() {
			return out, i.errorf("%w", err)
		}
		return out, err
	}
	if out.Arn == nil || out.Change == nil {
		return out, server.mismatchError()
	}
	return out, nil
}
