package integrity

import (
	"testing"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// declare writes an account with a user, its access key and a managed policy.
func (w *damageTest) declare(change func(*identity.User)) {
	u := identity.User{
		Entity: identity.Entity{Account: testAccount, Name: "Alice", Path: "/", ID: "AIDA1", Attached: []string{"arn:aws:iam::" + testAccount + ":policy/p/use"}},
		Keys:   []string{"AKIA1"},
	}
	change(&u)
	w.update(func(tx *store.Tx) error {
		put(tx, w.T, records.Accounts, testAccount, identity.Account{ID: testAccount})
		put(tx, w.T, records.Users, testAccount+"/alice", u)
		put(tx, w.T, records.AccessKeys, "AKIA1", identity.StoredKey{Account: testAccount, Secret: "s", User: "Alice"})
		put(tx, w.T, records.AccessKeyUsages, "AKIA1", records.Usage{Operation: "Decrypt", Time: w.enabled.CreationDate})
		put(tx, w.T, records.Roles, testAccount+"/ci", identity.Role{Entity: identity.Entity{Account: testAccount, Name: "ci", Boundary: "arn:aws:iam::" + testAccount + ":policy/p/use"}})
		put(tx, w.T, records.OIDCProviders, testAccount+"/example.com/x", identity.OIDCProvider{Account: testAccount, Issuer: "example.com/x"})
		return records.ManagedPolicies.Put(tx, testAccount+"/use", identity.ManagedPolicy{Account: testAccount, Name: "use", Path: "/p/"})
	})
}

func put[T any](tx *store.Tx, t *testing.T, table store.Table[T], path string, v T) {
	t.Helper()
	if err := table.Put(tx, path, v); err != nil {
		t.Fatal(err)
	}
}

func TestVerifyIdentities(t *testing.T) {
	w := newDamageTest(t)
	w.declare(func(*identity.User) {})
	w.wantFindings(nil)
}

func TestVerifyFindsDamageOfIdentities(t *testing.T) {
	remove := func(table, path string) func(w *damageTest) {
		return func(w *damageTest) { w.alter(table+"/"+path, remove) }
	}
	for name, damage := range map[string]struct {
		do   func(w *damageTest)
		want []string
	}{
		"no account":             {remove("account", testAccount), []string{"account/" + testAccount + ": it is missing: role/", "account/" + testAccount + ": it is missing: user/"}},
		"no policy":              {remove("managed-policy", testAccount+"/use"), []string{"managed-policy/.*: it is missing: role/", "managed-policy/.*: it is missing: user/"}},
		"no access key":          {remove("access-key", "AKIA1"), []string{"access-key-usage/AKIA1: there is no such access key", "user/.*: its access key AKIA1 is missing"}},
		"no user":                {remove("user", testAccount+"/alice"), []string{`access-key/AKIA1: the user "Alice" does not have it`}},
		"an access key too many": {func(w *damageTest) { w.declare(func(u *identity.User) { u.Keys = nil }) }, []string{`access-key/AKIA1: the user "Alice" does not have it`}},
		"a user of another name": {func(w *damageTest) { w.declare(func(u *identity.User) { u.Name = "Bob" }) }, []string{"user/.*: its content belongs"}},
		"a policy without ARN":   {func(w *damageTest) { w.declare(func(u *identity.User) { u.Boundary = "use" }) }, []string{`user/.*: "use" is not the ARN of a policy`}},
		"an account elsewhere": {func(w *damageTest) {
			w.update(func(tx *store.Tx) error {
				return records.Accounts.Put(tx, "444455556666", identity.Account{ID: testAccount})
			})
		}, []string{"account/444455556666: its content belongs"}},
		"a role elsewhere": {func(w *damageTest) {
			w.update(func(tx *store.Tx) error {
				r := identity.Role{Entity: identity.Entity{Account: testAccount, Name: "ci"}}
				return records.Roles.Put(tx, testAccount+"/x", r)
			})
		}, []string{"role/.*/x: its content belongs"}},
		"a role of an invalid name": {func(w *damageTest) {
			w.update(func(tx *store.Tx) error {
				r := identity.Role{Entity: identity.Entity{Account: testAccount, Name: "c/i"}}
				return records.Roles.Put(tx, testAccount+"/c/i", r)
			})
		}, []string{"role/.*/c/i: its content belongs"}},
		"a provider elsewhere": {func(w *damageTest) {
			w.update(func(tx *store.Tx) error {
				return records.OIDCProviders.Put(tx, testAccount+"/x", identity.OIDCProvider{Account: testAccount, Issuer: "y"})
			})
		}, []string{"oidc-provider/.*: its content belongs"}},
		"a policy elsewhere": {func(w *damageTest) {
			w.update(func(tx *store.Tx) error {
				return records.ManagedPolicies.Put(tx, testAccount+"/x", identity.ManagedPolicy{Account: testAccount, Name: "y"})
			})
		}, []string{"managed-policy/.*: its content belongs"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newDamageTest(t)
			w.declare(func(*identity.User) {})
			damage.do(w)
			w.wantFindings(damage.want)
		})
	}
}
