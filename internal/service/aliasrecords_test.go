package service

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

var testCaller = identity.Caller{Principal: identity.Root("111122223333"), Region: "eu-west-2"}

// openForTest opens a new deployment in memory.
func openForTest(t *testing.T) *Service { t.Helper(); return openLike(t, func(*Config) {}) }

// openLike opens a new deployment in memory, with changes to its Config.
func openLike(t *testing.T, change func(*Config)) *Service {
	t.Helper()
	events := audit.New(audit.Discard{}, audit.Options{})
	c := Config{
		Backend: memory.New(), Slots: memory.NewSlots(), Root: seal.NewEphemeralRoot(), Create: true,
		Audit: events, Clock: NewClock(time.Now), Log: slog.New(slog.DiscardHandler),
		OpenCustody: func(string) (seal.Root, error) { return seal.NewEphemeralRoot(), nil },
	}
	change(&c)
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(events.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// doForTest carries out an operation, which must succeed.
func doForTest(t *testing.T, s *Service, operation string, in any) any {
	t.Helper()
	op, _ := s.Find(operation)
	out, err := s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Input: in})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// aliasRecords counts the aliases of each key in the store: by the alias records, by the index,
// and by the guards.
func aliasRecords(t *testing.T, s *store.Store) (byAlias, byIndex, byGuard map[string]int) {
	t.Helper()
	byAlias, byIndex, byGuard = map[string]int{}, map[string]int{}, map[string]int{}
	err := s.View(t.Context(), func(v *store.View) error {
		all, err1 := records.Aliases.Scan(v, "", "", 10000)
		index, err2 := records.AliasesOfKey.Scan(v, "", "", 10000)
		guards, err3 := records.AliasGuards.Scan(v, "", "", 10000)
		for _, r := range all {
			byAlias[records.KeyPath(r.Value.Account, r.Value.Region, r.Value.KeyID)]++
			if _, ok, err := records.AliasesOfKey.Get(v, records.AliasOfKeyPath(r.Value)); !ok || err != nil {
				t.Errorf("%s is not in the index (%v)", r.Path, err)
			}
		}
		for _, r := range index {
			byIndex[strings.Join(strings.SplitN(r.Path, "/", 4)[:3], "/")]++
		}
		for _, r := range guards {
			byGuard[r.Path] = r.Value.Count
		}
		return errors.Join(err1, err2, err3)
	})
	if err != nil {
		t.Fatal(err)
	}
	return byAlias, byIndex, byGuard
}

func wantAliasRecords(t *testing.T, s *store.Store, want map[string]int) {
	t.Helper()
	byAlias, byIndex, byGuard := aliasRecords(t, s)
	if want == nil {
		want = byAlias
	}
	if !maps.Equal(byAlias, want) || !maps.Equal(byIndex, want) || !maps.Equal(byGuard, want) {
		t.Errorf("aliases %v, index %v, guards %v; want %v", byAlias, byIndex, byGuard, want)
	}
}

// The name of an alias whose key is gone can be used again, before and after the sweep. The
// records of the old alias are removed.
func TestAliasTakenFromAKeyThatIsGone(t *testing.T) {
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(memory.New(), keyring.Records())
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	c := &call{Service: &Service{store: s}, Request: Request{Caller: testCaller}, now: now}
	old := key.Key{ID: "old", Account: "111122223333", Region: "eu-west-2", State: key.PendingDeletion, DeletionDate: now, Policy: "{}"}
	live := key.Key{ID: "new", Account: old.Account, Region: old.Region, State: key.Enabled, Policy: "{}"}
	alias := func(name string, k key.Key) key.Alias {
		return key.Alias{Name: name, Account: k.Account, Region: k.Region, KeyID: k.ID}
	}
	add := func(a key.Alias) error {
		return s.Update(t.Context(), func(tx *store.Tx) error { return c.addAlias(tx, a) })
	}
	c.now = now.Add(-1) // the last moment at which the old key exists
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(records.InsertKey(tx, old, records.NewestLevel), records.InsertKey(tx, live, records.NewestLevel),
			c.addAlias(tx, alias("alias/a", old)), c.addAlias(tx, alias("alias/b", old)))
	})
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := errors.AsType[*key.Error](add(alias("alias/a", live))); !ok || e.Kind != key.KindAlreadyExists {
		t.Errorf("an alias was taken from a key that is there: %v", e)
	}
	wantAliasRecords(t, s, map[string]int{records.PathOf(old): 2})
	read := func() error {
		return s.View(t.Context(), func(v *store.View) error {
			_, err := c.readKey(v, c.ownAlias("alias/a"))
			return err
		})
	}
	if err := read(); err != nil {
		t.Errorf("the alias of a key that is there: %v", err)
	}
	c.now = now
	if e, ok := errors.AsType[*key.Error](read()); !ok || e.Kind != key.KindNotFound || !strings.HasPrefix(e.Message, "Alias ") {
		t.Errorf("the alias of a key that is gone: %v", e)
	}
	for i, want := range []map[string]int{{records.PathOf(old): 1, records.PathOf(live): 1}, {records.PathOf(live): 2}} {
		if err := add(alias([]string{"alias/a", "alias/b"}[i], live)); err != nil {
			t.Fatal(err)
		}
		wantAliasRecords(t, s, want)
	}
}

// The state of a key at the time of the change counts, not the state at the time of the request.
func TestStateIsReadAgainAtTheCommit(t *testing.T) {
	s := openForTest(t)
	var found []key.Key
	for range 2 {
		out := doForTest(t, s, "CreateKey", &api.CreateKeyRequest{}).(*api.CreateKeyResponse)
		found = append(found, key.Key{ID: *out.KeyMetadata.KeyId, Account: testCaller.Principal.AccountID, Region: testCaller.Region})
	}
	doForTest(t, s, "CreateAlias", &api.CreateAliasRequest{AliasName: new("alias/a"), TargetKeyId: &found[1].ID})
	doForTest(t, s, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &found[0].ID})
	for operation, in := range map[string]any{
		"CreateAlias":          &api.CreateAliasRequest{AliasName: new("alias/b"), TargetKeyId: &found[0].ID},
		"UpdateAlias":          &api.UpdateAliasRequest{AliasName: new("alias/a"), TargetKeyId: &found[0].ID},
		"TagResource":          &api.TagResourceRequest{KeyId: &found[0].ID},
		"UntagResource":        &api.UntagResourceRequest{KeyId: &found[0].ID},
		"UpdateKeyDescription": &api.UpdateKeyDescriptionRequest{KeyId: &found[0].ID, Description: new("")},
	} {
		op, _ := s.Find(operation)
		c := &call{Service: s, Request: Request{Caller: testCaller, Operation: op, Input: in}, ctx: t.Context(), now: s.clock.Now(), keys: found}
		_, err := op.run(c, in)
		if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind != key.KindInvalidState {
			t.Errorf("%s: %v", operation, err)
		}
	}
}

// A permission for one key does not apply to another key.
func TestAliasThatMovedMeanwhile(t *testing.T) {
	keyring, _, err := seal.NewKeyring(t.Context(), seal.NewEphemeralRoot())
	if err != nil {
		t.Fatal(err)
	}
	s := store.New(memory.New(), keyring.Records())
	c := &call{Service: &Service{store: s}, Request: Request{Caller: testCaller}, ctx: t.Context()}
	k := key.Key{ID: "one", Account: "111122223333", Region: "eu-west-2", State: key.Enabled, Policy: "{}"}
	a := key.Alias{Name: "alias/a", Account: k.Account, Region: k.Region, KeyID: k.ID}
	err = s.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(records.InsertKey(tx, k, records.NewestLevel), records.InsertAlias(tx, a))
	})
	if err != nil {
		t.Fatal(err)
	}
	for allowed, want := range map[string]error{"one": nil, "two": store.ErrConflict} {
		err := s.Update(t.Context(), func(tx *store.Tx) error {
			_, err := c.rereadAlias(tx, a.Name, key.Key{ID: allowed})
			return err
		})
		if !errors.Is(err, want) {
			t.Errorf("allowed on %s: %v", allowed, err)
		}
	}
	if e, ok := errors.AsType[*key.Error](c.notCommitted(store.ErrConflict)); !ok || e.Kind != key.KindThrottling {
		t.Errorf("the caller is told %v", e)
	}
}

// After concurrent changes of aliases, the index and the guards agree with the aliases.
func TestAliasRecordsAgree(t *testing.T) {
	s := openForTest(t)
	do := func(operation string, in any) (any, error) {
		op, _ := s.Find(operation)
		return s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Input: in})
	}
	var ids []*string
	for range 3 {
		ids = append(ids, doForTest(t, s, "CreateKey", &api.CreateKeyRequest{}).(*api.CreateKeyResponse).KeyMetadata.KeyId)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 40 {
				name, id := new(fmt.Sprint("alias/", rand.N(6))), ids[rand.N(len(ids))]
				var err error
				switch rand.N(3) {
				case 0:
					_, err = do("CreateAlias", &api.CreateAliasRequest{AliasName: name, TargetKeyId: id})
				case 1:
					_, err = do("UpdateAlias", &api.UpdateAliasRequest{AliasName: name, TargetKeyId: id})
				default:
					_, err = do("DeleteAlias", &api.DeleteAliasRequest{AliasName: name})
				}
				if _, refused := errors.AsType[*key.Error](err); err != nil && !refused {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	wantAliasRecords(t, s.store, nil)
	for i := range 6 {
		do("DeleteAlias", &api.DeleteAliasRequest{AliasName: new(fmt.Sprint("alias/", i))})
	}
	wantAliasRecords(t, s.store, map[string]int{})
}
