package service

import (
	"fmt"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// A page has as many records as the API says: without a Limit, and with a Limit that is too large.
func TestDefaultsOfListings(t *testing.T) {
	c := newAccessTest(t)
	root := c.root()
	on, aliased := c.key(), []string{c.key(), c.key(), c.key()}
	k := c.stored(on)
	c.user("alice")
	for some := range 9 { // 558 keys and users
		c.update(func(tx *store.Tx) error {
			for i := range 62 {
				k.ID = fmt.Sprintf("12345678-1234-1234-1234-%06d%06d", some, i)
				if err := records.Keys.Put(tx, records.PathOf(k), k); err != nil {
					return err
				}
				u := identity.User{Entity: identity.Entity{Account: homeAccount, Name: fmt.Sprintf("u-%d-%d", some, i), Path: "/", ID: "AIDA"}}
				if err := records.Users.Put(tx, records.NamedPath(homeAccount, u.Name), u); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for i := range 101 {
		root.does("CreateAlias", aliased[i/50], fmt.Sprintf(`{"AliasName":"alias/%03d"}`, i))
		root.grants(on, "alice", "Decrypt", fmt.Sprintf(`{"Name":"n%d","RetiringPrincipal":%q}`, i, who("alice")))
	}
	for _, test := range []struct {
		operation, members string
		most               int
		count              func(out any) int
	}{
		{"ListAliases", `{}`, 50, func(out any) int { return len(out.(*api.ListAliasesResponse).Aliases) }},
		{"ListAliases", `{"Limit":100}`, 100, func(out any) int { return len(out.(*api.ListAliasesResponse).Aliases) }},
		{"ListGrants", `{}`, 50, func(out any) int { return len(out.(*api.ListGrantsResponse).Grants) }},
		{"ListGrants", `{"Limit":100}`, 100, func(out any) int { return len(out.(*api.ListGrantsResponse).Grants) }},
		{"ListRetirableGrants", `{"RetiringPrincipal":"` + who("alice") + `"}`, 50, func(out any) int { return len(out.(*api.ListRetirableGrantsResponse).Grants) }},
		{"ListRetirableGrants", `{"RetiringPrincipal":"` + who("alice") + `","Limit":100}`, 100, func(out any) int { return len(out.(*api.ListRetirableGrantsResponse).Grants) }},
		{"ListAliases", `{"Limit":1000}`, 100, func(out any) int { return len(out.(*api.ListAliasesResponse).Aliases) }},
		{"ListGrants", `{"Limit":1000}`, 100, func(out any) int { return len(out.(*api.ListGrantsResponse).Grants) }},
		{"ListRetirableGrants", `{"RetiringPrincipal":"` + who("alice") + `","Limit":1000}`, 100, func(out any) int { return len(out.(*api.ListRetirableGrantsResponse).Grants) }},
		{"ListKeys", `{}`, 100, func(out any) int { return len(out.(*api.ListKeysResponse).Keys) }},
		{"ListIdentities", `{"Kind":"user"}`, 100, func(out any) int { return len(out.(*api.ListIdentitiesResponse).Identities) }},
	} {
		if n := test.count(root.does(test.operation, on, test.members)); n != test.most {
			t.Errorf("%s %s lists %d, want %d", test.operation, test.members, n, test.most)
		}
	}
	// Every record of an account is visited once, although a page has 500.
	seen := map[string]int{}
	err := c.store.View(t.Context(), func(v *store.View) error {
		return each(v, records.Users, homeAccount, func(u identity.User) error { seen[u.Name]++; return nil })
	})
	for name, times := range seen {
		if times != 1 {
			t.Errorf("%s is visited %d times", name, times)
		}
	}
	if len(seen) != 9*62+1 || err != nil {
		t.Errorf("%d users are visited, %v", len(seen), err)
	}
}
