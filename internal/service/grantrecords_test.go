package service

import (
	"context"
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

const testApp = "arn:aws:iam::111122223333:role/app"

func createKeyForTest(t *testing.T, s *Service) key.Key {
	t.Helper()
	out := doForTest(t, s, "CreateKey", &api.CreateKeyRequest{}).(*api.CreateKeyResponse)
	return key.Key{ID: *out.KeyMetadata.KeyId, Account: testCaller.Principal.AccountID, Region: testCaller.Region}
}

func grantRequestOf(k key.Key) *api.CreateGrantRequest {
	return &api.CreateGrantRequest{KeyId: &k.ID, GranteePrincipal: new(testApp), Operations: []string{"Decrypt"}}
}

// The quota counts grants, not requests: a repeated request does not count again.
func TestGrantQuota(t *testing.T) {
	s := openForTest(t)
	k := createKeyForTest(t, s)
	err := s.store.Update(t.Context(), func(tx *store.Tx) error {
		return records.GrantGuards.Put(tx, records.PathOf(k), records.GrantGuard{Count: key.MaxGrants - 1})
	})
	if err != nil {
		t.Fatal(err)
	}
	in := grantRequestOf(k)
	in.Name = new("last")
	last := doForTest(t, s, "CreateGrant", in).(*api.CreateGrantResponse)
	refused := func(in *api.CreateGrantRequest) error {
		op, _ := s.Find("CreateGrant")
		_, err := s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Input: in})
		return err
	}
	if again := doForTest(t, s, "CreateGrant", in).(*api.CreateGrantResponse); *again.GrantId != *last.GrantId {
		t.Error("a repetition made another grant")
	}
	dry := grantRequestOf(k)
	dry.DryRun = new(true)
	for _, in := range []*api.CreateGrantRequest{grantRequestOf(k), dry} {
		if e, ok := errors.AsType[*key.Error](refused(in)); !ok || e.Kind != key.KindLimitExceeded {
			t.Errorf("one too many, dry %v: %v", in.DryRun != nil, e)
		}
	}
	doForTest(t, s, "RevokeGrant", &api.RevokeGrantRequest{KeyId: &k.ID, GrantId: last.GrantId})
	doForTest(t, s, "CreateGrant", grantRequestOf(k))
	doForTest(t, s, "CreateGrant", grantRequestOf(createKeyForTest(t, s)))
}

// After concurrent changes, indexes and guards agree with the grants, and requests with one name
// and the same members have created one grant.
func TestGrantRecordsAgree(t *testing.T) {
	s := openForTest(t)
	k := createKeyForTest(t, s)
	var mu sync.Mutex
	made := map[string]string{} // a token for each grant
	do := func(operation string, in any) any {
		op, _ := s.Find(operation)
		out, err := s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Input: in})
		if _, refused := errors.AsType[*key.Error](err); err != nil && !refused {
			t.Error(err)
		}
		return out
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 30 {
				mu.Lock()
				var id, token string
				for id, token = range made {
					break
				}
				mu.Unlock()
				switch rand.N(4) {
				case 0, 1:
					in := grantRequestOf(k)
					in.Name = new(fmt.Sprint("n", rand.N(3)))
					in.RetiringPrincipal = new(testApp)
					if out, ok := do("CreateGrant", in).(*api.CreateGrantResponse); ok && out != nil {
						mu.Lock()
						made[*out.GrantId] = *out.GrantToken
						mu.Unlock()
					}
				case 2:
					do("RetireGrant", &api.RetireGrantRequest{GrantToken: &token})
				default:
					do("RevokeGrant", &api.RevokeGrantRequest{KeyId: &k.ID, GrantId: &id})
				}
			}
		})
	}
	wg.Wait()
	wantGrantRecords(t, s.store, k, -1)
	for id := range made {
		do("RevokeGrant", &api.RevokeGrantRequest{KeyId: &k.ID, GrantId: &id})
	}
	wantGrantRecords(t, s.store, k, 0)
}

// wantGrantRecords checks the number of grants of three names. A negative want allows any number.
func wantGrantRecords(t *testing.T, s *store.Store, k key.Key, want int) {
	t.Helper()
	err := s.View(t.Context(), func(v *store.View) error {
		all, err1 := records.Grants.Scan(v, "", "", 1000)
		granted, err2 := records.GrantsOfGrantee.Scan(v, "", "", 1000)
		retired, err3 := records.GrantsOfRetirer.Scan(v, "", "", 1000)
		asked, err4 := records.GrantRequests.Scan(v, "", "", 1000)
		guard, _, err5 := records.GrantGuards.Get(v, records.PathOf(k))
		matches, err6 := records.GrantMatches.Scan(v, "", "", 1000)
		shapes, err7 := records.GrantShapes.Scan(v, "", "", 1000)
		counted := 0
		for _, r := range shapes {
			counted += r.Value.Total()
		}
		if n := len(all); n > 3 || want >= 0 && n != want || len(granted) != n || len(retired) != n || len(asked) != n || guard.Count != n || len(matches) != n || counted != n {
			t.Errorf("%d grants; %d, %d and %d in the indexes, %d requests, counted %d and %d", n, len(granted), len(retired), len(matches), len(asked), guard.Count, counted)
		}
		for _, r := range all {
			path, err := records.GrantRequestPath(r.Value)
			if _, ok, err2 := records.GrantRequests.Get(v, path); !ok || err != nil || err2 != nil {
				t.Errorf("%s is not found by its request", r.Path)
			}
		}
		return errors.Join(err1, err2, err3, err4, err5, err6, err7)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// If another request created or removed the grant since the look-up, the result is a conflict.
// CreateGrant never returns the ID of a grant that was not committed.
func TestGrantThatCameOrWentMeanwhile(t *testing.T) {
	s := openForTest(t)
	k := createKeyForTest(t, s)
	in := grantRequestOf(k)
	in.Name = new("n")
	op, _ := s.Find("CreateGrant")
	c := &call{Service: s, Request: Request{Caller: testCaller, Operation: op, Input: in}, ctx: t.Context(), now: s.clock.Now(), keys: []key.Key{k}}
	c.keys[0].Spec = key.SymmetricDefault
	put := func(g key.Grant, repeated bool) error {
		return s.store.Update(t.Context(), func(tx *store.Tx) error { return putGrant(tx, g, repeated) })
	}
	before, repeated, err := c.newGrant(in)
	if repeated || err != nil {
		t.Fatal(repeated, err)
	}
	doForTest(t, s, "CreateGrant", in)
	if err := put(before, false); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a second grant of the name: %v", err)
	}
	found, repeated, err := c.newGrant(in)
	if !repeated || err != nil || put(found, true) != nil {
		t.Errorf("found %v, %v", repeated, err)
	}
	doForTest(t, s, "RevokeGrant", &api.RevokeGrantRequest{KeyId: &k.ID, GrantId: &found.ID})
	if err := put(found, true); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a grant that was revoked: %v", err)
	}
}

// A readCounter is a Backend that counts the reads of keys and their grants.
type readCounter struct {
	store.Backend
	mu   sync.Mutex
	read map[string]int // number of records by the first segment of their paths
}

type countingReader struct {
	store.Reader
	c *readCounter
}

func (c *readCounter) View(ctx context.Context, fn func(store.Reader) error) error {
	return c.Backend.View(ctx, func(r store.Reader) error { return fn(countingReader{r, c}) })
}

func (c *readCounter) count(path []byte) {
	prefix, _, _ := strings.Cut(string(path), "/")
	if strings.HasPrefix(prefix, "grant") || prefix == "key" || prefix == "alias" {
		c.mu.Lock()
		c.read[prefix]++
		c.mu.Unlock()
	}
}

func (r countingReader) Get(paths ...[]byte) ([]store.Item, error) {
	for _, path := range paths {
		r.c.count(path)
	}
	return r.Reader.Get(paths...)
}

func (r countingReader) Scan(from, to []byte, limit int) ([]store.Item, error) {
	items, err := r.Reader.Scan(from, to, limit)
	for _, i := range items {
		r.c.count(i.Key)
	}
	return items, err
}

// reads returns the reads of fn.
func (c *readCounter) reads(fn func()) map[string]int {
	c.mu.Lock()
	c.read = map[string]int{}
	c.mu.Unlock()
	fn()
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.read)
}

// openCounting opens a deployment with one key that has many grants and another that has few.
func openCounting(t testing.TB, many int) (s *Service, c *readCounter, crowded, quiet key.Key) {
	t.Helper()
	c = &readCounter{Backend: memory.New(), read: map[string]int{}}
	events := audit.New(audit.Discard{}, audit.Options{})
	s, err := Open(t.Context(), Config{
		Backend: c, Slots: memory.NewSlots(), Root: seal.NewEphemeralRoot(), Create: true,
		Audit: events, Clock: NewClock(time.Now), Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(events.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	op, _ := s.Find("CreateKey")
	for _, k := range []*key.Key{&crowded, &quiet} {
		out, err := s.Do(t.Context(), Request{Caller: testCaller, Operation: op, Input: &api.CreateKeyRequest{}})
		if err != nil {
			t.Fatal(err)
		}
		*k = key.Key{ID: *out.(*api.CreateKeyResponse).KeyMetadata.KeyId, Account: testCaller.Principal.AccountID, Region: testCaller.Region}
	}
	fillWithGrants(t, s, crowded, many)
	return s, c, crowded, quiet
}

func fillWithGrants(t testing.TB, s *Service, k key.Key, n int) {
	t.Helper()
	for done := 0; done < n; done += 20 {
		err := s.store.Update(t.Context(), func(tx *store.Tx) error {
			for i := done; i < min(n, done+20); i++ {
				g := key.Grant{ID: newGrantID(), Account: k.Account, Region: k.Region, KeyID: k.ID, Grantee: key.Principal(fmt.Sprintf("%s%d", testApp, i%100)), Operations: []string{"Decrypt"}}
				if err := records.InsertGrant(tx, g); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// One sweep removes a limited number of grants, of all keys together. The next sweep continues.
func TestRemovalOfGrantsIsBounded(t *testing.T) {
	s, _, crowded, quiet := openCounting(t, 2*grantPage+1)
	fillWithGrants(t, s, quiet, grantPage)
	pages := 2
	for i, step := range []struct {
		k     key.Key
		all   bool
		pages int // number of pages left
	}{{crowded, false, 0}, {quiet, false, 0}, {crowded, true, 1}, {quiet, true, 0}} {
		if i == 2 { // the next sweep
			pages = 2
		}
		all, err := s.removeGrants(t.Context(), step.k, &pages)
		if err != nil || all != step.all || pages != step.pages {
			t.Errorf("step %d: all %v, %d pages are left, %v", i, all, pages, err)
		}
	}
}

// addUnmatchedGrants gives a principal n grants of Encrypt, each for an encryption context that no
// request has.
func addUnmatchedGrants(t testing.TB, s *Service, k key.Key, to key.Principal, n int) {
	t.Helper()
	for i := range n {
		g := key.Grant{ID: newGrantID(), Account: k.Account, Region: k.Region, KeyID: k.ID, Grantee: to, Operations: []string{"Encrypt"}}
		g.Constraints.ContextEquals = map[string]string{"n": fmt.Sprint(i)}
		if err := s.store.Update(t.Context(), func(tx *store.Tx) error { return records.InsertGrant(tx, g) }); err != nil {
			t.Fatal(err)
		}
	}
}

// The reads of a request do not depend on the number of grants on the key.
func TestGrantsCostNothing(t *testing.T) {
	many := key.MaxGrants - 10
	if testing.Short() {
		many = 1000
	}
	s, c, crowded, quiet := openCounting(t, many)
	fillWithGrants(t, s, quiet, 10) // so that there is a page of ten
	for name, request := range map[string]func(k key.Key){
		"CreateGrant": func(k key.Key) {
			in := grantRequestOf(k)
			in.Name = new(newGrantID())
			doForTest(t, s, "CreateGrant", in)
		},
		"DescribeKey": func(k key.Key) { doForTest(t, s, "DescribeKey", &api.DescribeKeyRequest{KeyId: &k.ID}) },
		"DescribeKey with a token": func(k key.Key) {
			made := doForTest(t, s, "CreateGrant", grantRequestOf(k)).(*api.CreateGrantResponse)
			doForTest(t, s, "DescribeKey", &api.DescribeKeyRequest{KeyId: &k.ID, GrantTokens: []string{*made.GrantToken}})
		},
		"Encrypt": func(k key.Key) {
			doForTest(t, s, "Encrypt", &api.EncryptRequest{KeyId: &k.ID, Plaintext: []byte("x")})
		},
		"ListGrants": func(k key.Key) {
			doForTest(t, s, "ListGrants", &api.ListGrantsRequest{KeyId: &k.ID, Limit: new(int32(9))})
		},
		"ListGrants of one": func(k key.Key) {
			made := doForTest(t, s, "CreateGrant", grantRequestOf(k)).(*api.CreateGrantResponse)
			doForTest(t, s, "ListGrants", &api.ListGrantsRequest{KeyId: &k.ID, GrantId: made.GrantId})
		},
		"ListGrants of a stranger": func(k key.Key) {
			doForTest(t, s, "ListGrants", &api.ListGrantsRequest{KeyId: &k.ID, GranteePrincipal: new("arn:aws:iam::444455556666:root")})
		},
		"RevokeGrant": func(k key.Key) {
			made := doForTest(t, s, "CreateGrant", grantRequestOf(k)).(*api.CreateGrantResponse)
			doForTest(t, s, "RevokeGrant", &api.RevokeGrantRequest{KeyId: &k.ID, GrantId: made.GrantId})
		},
		"DisableKey and EnableKey": func(k key.Key) {
			doForTest(t, s, "DisableKey", &api.DisableKeyRequest{KeyId: &k.ID})
			doForTest(t, s, "EnableKey", &api.EnableKeyRequest{KeyId: &k.ID})
		},
	} {
		of := func(k key.Key) map[string]int {
			doForTest(t, s, "Encrypt", &api.EncryptRequest{KeyId: &k.ID, Plaintext: []byte("x")}) // loads the key into memory
			return c.reads(func() { request(k) })
		}
		if few, all := of(quiet), of(crowded); !maps.Equal(few, all) {
			t.Errorf("%s reads %v with ten grants and %v with %d", name, few, all, many)
		}
	}
}

// No grant is read for a principal whose policies allow the request. For other principals one
// allowing grant is read.
func TestWhoNeedsNoGrantReadsNone(t *testing.T) {
	s, b, crowded, _ := openCounting(t, 1000)
	c := accessTest{people{t, s}}
	c.user("alice", with(c.identity("allow kms:*")))
	c.user("bob")
	c.role("app7")
	on := key.ARN(crowded.Account, crowded.Region, "key/"+crowded.ID)
	for who, want := range map[string]int{"home": 0, "alice": 0, "bob": 0, "role/app7": 2} {
		a, request := c.as(who), `{"KeyId":"`+on+`"}`
		read := b.reads(func() { a.try("Decrypt", on, request) })
		if n := read["grant"] + read["grant-of-grantee"] + read["grant-match"]; n != want {
			t.Errorf("%s reads %v, want %d", who, read, want)
		}
	}
}

// BenchmarkGrants compares requests on a key without grants with requests on a key with the
// maximum number of grants.
func BenchmarkGrants(b *testing.B) {
	s, _, crowded, quiet := openCounting(b, key.MaxGrants-1)
	op, _ := s.Find("Encrypt")
	for name, k := range map[string]key.Key{"none": quiet, "all": crowded} {
		b.Run("Encrypt/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Do(b.Context(), Request{Caller: testCaller, Operation: op, Input: &api.EncryptRequest{KeyId: &k.ID, Plaintext: []byte("x")}}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A request on a replica reads one record, like a request on any other key. ReplicateKey has read and written the
// primary key, which is in memory since.
func TestReplicaIsReadFromMemory(t *testing.T) {
	s, c, _, _ := openCounting(t, 0)
	in := func(region, operation string, in any) any {
		op, _ := s.Find(operation)
		out, err := s.Do(t.Context(), Request{Caller: identity.Caller{Principal: testCaller.Principal, Region: region}, Operation: op, Input: in})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	id := in("eu-west-2", "CreateKey", &api.CreateKeyRequest{MultiRegion: new(true)}).(*api.CreateKeyResponse).KeyMetadata.KeyId
	in("eu-west-2", "ReplicateKey", &api.ReplicateKeyRequest{KeyId: id, ReplicaRegion: new("us-east-1")})
	for region, want := range map[string]string{"eu-west-2": "map[]", "us-east-1": "map[]"} {
		got := c.reads(func() { in(region, "Encrypt", &api.EncryptRequest{KeyId: id, Plaintext: []byte("x")}) })
		if fmt.Sprint(got) != want {
			t.Errorf("in %s: %v, want %s", region, got, want)
		}
	}
}
