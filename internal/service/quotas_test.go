package service

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
)

func TestQuotaTable(t *testing.T) {
	prefixes := map[string]string{
		"keys": records.Keys.Prefix, "aliases": records.Aliases.Prefix, "grants": records.Grants.Prefix, "accounts": records.Accounts.Prefix,
		"users": records.Users.Prefix, "roles": records.Roles.Prefix, "policies": records.ManagedPolicies.Prefix, "providers": records.OIDCProviders.Prefix,
	}
	all := parseQuotas(quotaTable)
	for _, q := range all {
		depth := map[string]int{"keys": 2, "aliases": 2, "grants": 2, "accounts": 0}[q.Name] // segments of the path before the name
		if depth == 0 && q.Name != "accounts" {
			depth = 1
		}
		if prefixes[q.Name] != q.Prefix || q.Limit <= 0 || q.Depth != depth {
			t.Errorf("the quota %+v", q)
		}
	}
	if len(all) != len(prefixes) || len(DefaultQuotas()) != len(prefixes) {
		t.Errorf("%d quotas, want %d", len(all), len(prefixes))
	}
	if all := quotasOf(nil); len(all) != 0 {
		t.Errorf("a server without quotas counts %v", all)
	}
	for _, q := range quotasOf(map[string]int{"keys": 7, "grants": 0}) { // the others are counted, because they can be set later
		if want := map[string]int{"keys": 7}[q.Name]; q.Limit != cmp.Or(want, math.MaxInt) {
			t.Errorf("the limit of %s is %d", q.Name, q.Limit)
		}
	}
	if all := quotasOf(map[string]int{"keys": 7}); len(all) != len(prefixes) {
		t.Errorf("%d kinds of record are counted", len(all))
	}
}

// A quota refuses new records by name, and admits them again after a removal. Other quotas are
// not affected.
func TestQuotas(t *testing.T) {
	s, _ := openLimited(t, nil, map[string]int{"keys": 2, "aliases": 3, "grants": 4, "users": 2, "policies": 1, "roles": 1, "providers": 1, "accounts": 2})
	do := func(operation string, in any) (any, error) {
		op, _ := s.Find(operation)
		return s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Input: in})
	}
	fill := func(name string, limit int, make func(i int) error) {
		t.Helper()
		for i := range limit {
			if err := make(i); err != nil {
				t.Fatalf("%s, number %d: %v", name, i, err)
			}
		}
		for range 2 {
			err := make(limit)
			if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind != key.KindLimitExceeded || !strings.Contains(e.Message, fmt.Sprintf("The quota of %d %s ", limit, name)) {
				t.Errorf("%s beyond the quota: %v", name, err)
			}
		}
	}
	var id *string
	fill("keys", 2, func(int) error {
		out, err := do("CreateKey", &api.CreateKeyRequest{})
		if err == nil {
			id = out.(*api.CreateKeyResponse).KeyMetadata.KeyId
		}
		return err
	})
	if _, err := do("RecreateKey", &api.RecreateKeyRequest{KeyId: new("12345678-1234-1234-1234-123456789012"), AccountId: &testCaller.Principal.AccountID}); err == nil {
		t.Error("a key that is made again does not count")
	}
	alias := func(i int) *string { return new(fmt.Sprint("alias/a", i)) }
	fill("aliases", 3, func(i int) error {
		_, err := do("CreateAlias", &api.CreateAliasRequest{AliasName: alias(i), TargetKeyId: id})
		return err
	})
	if _, err := do("UpdateAlias", &api.UpdateAliasRequest{AliasName: alias(0), TargetKeyId: id}); err != nil {
		t.Error(err)
	}
	if _, err := do("DeleteAlias", &api.DeleteAliasRequest{AliasName: alias(0)}); err != nil {
		t.Error(err)
	}
	if _, err := do("CreateAlias", &api.CreateAliasRequest{AliasName: alias(9), TargetKeyId: id}); err != nil {
		t.Error(err)
	}
	var grant *string
	newGrant := func(int) error {
		out, err := do("CreateGrant", &api.CreateGrantRequest{KeyId: id, GranteePrincipal: &testCaller.Principal.ARN, Operations: []string{"Decrypt"}})
		if err == nil {
			grant = out.(*api.CreateGrantResponse).GrantId
		}
		return err
	}
	fill("grants", 4, newGrant)
	if _, err := do("RevokeGrant", &api.RevokeGrantRequest{KeyId: id, GrantId: grant}); err != nil {
		t.Error(err)
	}
	if err := newGrant(0); err != nil {
		t.Error(err)
	}
	fill("users", 2, func(i int) error {
		_, err := do("PutUser", &api.PutUserRequest{Name: new(fmt.Sprint("user", i))})
		return err
	})
	fill("roles", 1, func(i int) error {
		trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`
		_, err := do("PutRole", &api.PutRoleRequest{Name: new(fmt.Sprint("role", i)), Trust: &trust})
		return err
	})
}

// Keys that are removed make room; keys that are pending deletion do not.
func TestQuotaAndDeletion(t *testing.T) {
	s, _ := openLimited(t, nil, map[string]int{"keys": 1})
	do := func(operation string, in any) (any, error) {
		op, _ := s.Find(operation)
		return s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Input: in})
	}
	out, err := do("CreateKey", &api.CreateKeyRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := do("ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: out.(*api.CreateKeyResponse).KeyMetadata.KeyId}); err != nil {
		t.Fatal(err)
	}
	if _, err := do("CreateKey", &api.CreateKeyRequest{}); err == nil {
		t.Error("a key that is pending deletion does not count")
	}
	if err := s.clock.Advance(31 * 24 * 3600e9); err != nil {
		t.Fatal(err)
	}
	if err := s.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := do("CreateKey", &api.CreateKeyRequest{}); err != nil {
		t.Error(err)
	}
}
