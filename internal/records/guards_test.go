package records

import (
	"testing"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// The guards of a key count its grants and aliases. The last grant and the last alias take their guard with them.
func TestGuardsCount(t *testing.T) {
	s := newStore(t, memory.New())
	a, b := shapedGrant(1, "a"), shapedGrant(2)
	a.Name, a.Retiring = "name", "retirer"
	one := key.Alias{Account: a.Account, Region: a.Region, KeyID: a.KeyID, Name: "alias/one"}
	two := one
	two.Name = "alias/two"
	type counts struct{ grants, aliases, records int } // guards that are -1 are not there
	for i, step := range []struct {
		do   func(tx *store.Tx) error
		want counts
	}{
		{func(tx *store.Tx) error { return InsertGrant(tx, b) }, counts{1, -1, 5}},
		{func(tx *store.Tx) error { return InsertGrant(tx, a) }, counts{2, -1, 10}},
		{func(tx *store.Tx) error { return InsertAlias(tx, one) }, counts{2, 1, 13}},
		{func(tx *store.Tx) error { return InsertAlias(tx, two) }, counts{2, 2, 15}},
		{func(tx *store.Tx) error { return RemoveAlias(tx, one) }, counts{2, 1, 13}},
		{func(tx *store.Tx) error { return RemoveAlias(tx, two) }, counts{2, -1, 10}},
		{func(tx *store.Tx) error { return RemoveGrant(tx, a) }, counts{1, -1, 5}},
		{func(tx *store.Tx) error { return RemoveGrant(tx, b) }, counts{-1, -1, 0}},
	} {
		if err := s.Update(t.Context(), step.do); err != nil {
			t.Fatal(err)
		}
		got := counts{-1, -1, 0}
		err := s.View(t.Context(), func(v *store.View) error {
			g, ok, err := GrantGuards.Get(v, KeyPathOfGrant(a))
			if ok {
				got.grants = g.Count
			}
			n, there, guardErr := AliasGuards.Get(v, KeyPathOfGrant(a))
			if there {
				got.aliases = n.Count
			}
			for _, count := range []func() (int, error){
				countOf(v, Grants), countOf(v, GrantGuards), countOf(v, GrantsOfGrantee), countOf(v, GrantsOfRetirer), countOf(v, GrantRequests),
				countOf(v, GrantShapes), countOf(v, GrantMatches), countOf(v, Aliases), countOf(v, AliasesOfKey), countOf(v, AliasGuards),
			} {
				n, scanErr := count()
				got.records += n
				if scanErr != nil {
					return scanErr
				}
			}
			if guardErr != nil {
				return guardErr
			}
			return err
		})
		if err != nil || got != step.want {
			t.Errorf("after step %d: %+v, %v, want %+v", i+1, got, err, step.want)
		}
	}
}

func countOf[T any](v *store.View, t store.Table[T]) func() (int, error) {
	return func() (int, error) {
		all, err := t.Scan(v, "", "", 100)
		return len(all), err
	}
}

// A key has at most 50 aliases and 50,000 grants.
func TestQuotasOfAKey(t *testing.T) {
	s := newStore(t, memory.New())
	g, alias := shapedGrant(1), key.Alias{Account: "111122223333", Region: "eu-west-2", KeyID: "k", Name: "alias/one"}
	guards := func(aliases, grants int) error {
		return s.Update(t.Context(), func(tx *store.Tx) error {
			if err := AliasGuards.Put(tx, KeyPathOfGrant(g), AliasGuard{aliases}); err != nil {
				return err
			}
			return GrantGuards.Put(tx, KeyPathOfGrant(g), GrantGuard{grants})
		})
	}
	insert := func() (alias1, grant error) {
		return s.Update(t.Context(), func(tx *store.Tx) error { return InsertAlias(tx, alias) }),
			s.Update(t.Context(), func(tx *store.Tx) error { return InsertGrant(tx, g) })
	}
	if err := guards(50, 50_000); err != nil {
		t.Fatal(err)
	}
	aliasErr, grantErr := insert()
	if aliasErr == nil || aliasErr.Error() != "LimitExceededException: A key can have at most 50 aliases." {
		t.Errorf("the 51st alias: %v", aliasErr)
	}
	if grantErr == nil || grantErr.Error() != "LimitExceededException: A key can have at most 50000 grants." {
		t.Errorf("the 50,001st grant: %v", grantErr)
	}
	if err := guards(49, 49_999); err != nil {
		t.Fatal(err)
	}
	if aliasErr, grantErr := insert(); aliasErr != nil || grantErr != nil {
		t.Errorf("the last alias and grant: %v, %v", aliasErr, grantErr)
	}
}
