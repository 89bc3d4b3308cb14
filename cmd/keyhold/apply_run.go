package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/keyhold/keyhold/internal/api"
)

// An applyRun is one run of keyhold apply.
type applyRun struct {
	applyOptions
	server   *connection
	progress io.Writer
	items    []*item
	surplus  []api.IdentityEntry
	made     []madeKey
}

// A madeKey is a new access key, to be printed.
type madeKey struct {
	Arn, AccessKeyId, SecretAccessKey string
}

// plan asks the server what each item would change.
func (a *applyRun) plan(ctx context.Context) (err error) {
	arns := map[string]string{} // of the policies of the file
	for _, i := range a.items {
		for _, p := range i.policies {
			*p = cmp.Or(arns[policyKey(i.account, *p)], *p)
		}
		if i.plan, err = i.put(ctx, a.server, true); err != nil {
			return err
		}
		if i.operation == putPolicy {
			arns[policyKey(i.account, i.name)] = *i.plan.Arn
		}
	}
	return nil
}

// policyKey returns the key of a managed policy in a map. Upper and lower case are the same.
func policyKey(account *string, name string) string {
	return deref(account) + "/" + strings.ToLower(name)
}

// pruneOrder lists the kinds that --prune removes. A kind precedes the kinds that it refers to.
var pruneOrder = [...]string{"user", "role", "oidc-provider", "policy"}

// findSurplus finds what the file does not declare, in the accounts that the file mentions.
func (a *applyRun) findSurplus(ctx context.Context) error {
	if !a.prune {
		return nil
	}
	declared, accounts := map[string]bool{}, map[string]bool{}
	for _, i := range a.items {
		declared[*i.plan.Arn] = true
		arn := strings.Split(*i.plan.Arn, ":")
		if len(arn) < 6 {
			return a.server.mismatchError()
		}
		accounts[arn[4]] = true
	}
	for _, kind := range pruneOrder {
		err := a.server.eachIdentity(ctx, kind, nil, func(e api.IdentityEntry) {
			if accounts[*e.AccountId] && !declared[*e.Arn] {
				a.surplus = append(a.surplus, e)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachIdentity calls fn with each identity of a kind, in one account, or in all if account is nil.
func (c *connection) eachIdentity(ctx context.Context, kind string, account *string, fn func(api.IdentityEntry)) error {
	in := &api.ListIdentitiesRequest{Kind: &kind, AccountId: account}
	for {
		var page api.ListIdentitiesResponse
		if err := c.call(ctx, api.TargetAdmin, "ListIdentities", in, &page); err != nil {
			return err
		}
		for _, e := range page.Identities {
			if e.AccountId == nil || e.Arn == nil || e.Kind == nil || e.Name == nil {
				return c.mismatchError()
			}
			fn(e)
		}
		switch {
		case !page.Truncated:
			return nil
		case !follows(in.Marker, page.NextMarker):
			return c.mismatchError()
		}
		in.Marker = page.NextMarker
	}
}

// show prints a line for each change to make.
func (a *applyRun) show() {
	same := 0
	for _, i := range a.items {
		switch *i.plan.Change {
		case "created":
			printf(a.progress, "+ %s\n", *i.plan.Arn)
		case "changed":
			printf(a.progress, "~ %s: %s\n", *i.plan.Arn, strings.Join(i.plan.Members, ", "))
		default:
			same++
		}
	}
	for _, e := range a.surplus {
		printf(a.progress, "- %s\n", *e.Arn)
	}
	printf(a.progress, "= %d unchanged\n", same)
	if a.dryRun {
		printf(a.progress, "Nothing was changed (--dry-run).\n")
	}
}

// change makes the changes that show printed. After an error, the changes made so far stay,
// and the next run continues from there.
func (a *applyRun) change(ctx context.Context) error {
	for _, i := range a.items {
		if *i.plan.Change == "none" {
			continue
		}
		out, err := i.put(ctx, a.server, false)
		if err != nil {
			return err
		}
		for _, k := range out.NewAccessKeys {
			made, ok := newMadeKey(out.Arn, &k)
			if !ok {
				return a.server.mismatchError()
			}
			a.made = append(a.made, made)
		}
	}
	for _, e := range a.surplus {
		in := &api.IdentityRequest{AccountId: e.AccountId, Kind: e.Kind, Name: e.Name}
		if err := a.server.call(ctx, api.TargetAdmin, "DeleteIdentity", in, nil); err != nil {
			return fmt.Errorf("remove %s: %w", *e.Arn, err)
		}
	}
	return nil
}

// print prints the new access keys, which are never printed again.
func (a *applyRun) print() error {
	if len(a.made) == 0 && a.output.form == formText {
		return nil
	}
	text := new(page)
	for _, k := range a.made {
		k.print(text)
	}
	return a.output.print(text, struct{ NewAccessKeys []madeKey }{append([]madeKey{}, a.made...)})
}

// newMadeKey reads an access key from an answer. Users may paste the output into a
// shell, so both parts may have only the characters of base64.
func newMadeKey(arn *string, k *api.AccessKey) (madeKey, bool) {
	valid := arn != nil && k != nil &&
		keyForm.MatchString(deref(k.AccessKeyId)) && keyForm.MatchString(deref(k.SecretAccessKey))
	if !valid {
		return madeKey{}, false
	}
	return madeKey{*arn, *k.AccessKeyId, *k.SecretAccessKey}, true
}

var keyForm = regexp.MustCompile(`^[A-Za-z0-9+/=]{4,128}$`)

func (k madeKey) print(to *page) {
	to.printf("# %s, shown this once\nexport AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\n",
		k.Arn, k.AccessKeyId, k.SecretAccessKey)
}
