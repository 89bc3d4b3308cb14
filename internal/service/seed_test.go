package service_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seed"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

const (
	seedID       = "11111111-1111-4111-8111-111111111111"
	seedMaterial = "material = \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"\n"
)

// seeded is a file of one EXTERNAL key with these lines, which begin in line 4.
func seedText(lines string) string {
	return "[[key]]\nid = \"" + seedID + "\"\norigin = \"EXTERNAL\"\n" + lines
}

// applySeed makes the keys of a seed file with this text.
func (l *clockedService) applySeed(t *testing.T, text string) (made int, err error) {
	t.Helper()
	f, err := seed.Parse("seed.toml", []byte(text), seed.Defaults{Account: "111122223333", Region: "eu-west-2"})
	if err != nil {
		t.Fatal(err)
	}
	return l.Seed(t.Context(), f)
}

func (l *clockedService) events(t *testing.T) (names []string) {
	t.Helper()
	l.end(t)
	for _, e := range readEvents(t, l.path) {
		code, _ := e["errorCode"].(string)
		names = append(names, e["eventName"].(string)+code)
	}
	return names
}

// Seed makes the same records as the operations. A second time it makes nothing.
func TestSeed(t *testing.T) {
	l := newClockedService(t)
	text := seedText(seedMaterial+"description = \"d\"\naliases = [\"alias/a\", \"alias/b\"]\ntags = { a = \"1\" }\nexpires_in_days = 30\nenabled = false\n") +
		"[[key]]\nid = \"22222222-2222-4222-8222-222222222222\"\n"
	if made, err := l.applySeed(t, text); err != nil || made != 2 {
		t.Fatal(made, err)
	}
	d := must[any](t)(do(l.Service, "DescribeKey", &api.DescribeKeyRequest{KeyId: new("alias/b")})).(*api.DescribeKeyResponse)
	if m := d.KeyMetadata; *m.KeyId != seedID || *m.KeyState != "Disabled" || *m.Description != "d" || m.ValidTo == nil {
		t.Errorf("%+v", m)
	}
	must[any](t)(do(l.Service, "Encrypt", &api.EncryptRequest{KeyId: new("22222222-2222-4222-8222-222222222222"), Plaintext: []byte("x")}))
	before := l.paths(t)
	if made, err := l.applySeed(t, text); err != nil || made != 0 {
		t.Error(made, err)
	}
	if after := l.paths(t); !slices.Equal(before, after) {
		t.Errorf("records %q\nbefore  %q", after, before)
	}
	// The clock moves on and the material expires, which Seed accepts.
	l.sweepAfter(t, 30*day+time.Second)
	d = must[any](t)(do(l.Service, "DescribeKey", &api.DescribeKeyRequest{KeyId: new(seedID)})).(*api.DescribeKeyResponse)
	if *d.KeyMetadata.KeyState != "PendingImport" {
		t.Errorf("past its expiry: %s", *d.KeyMetadata.KeyState)
	}
	if made, err := l.applySeed(t, text); err != nil || made != 0 {
		t.Error(made, err)
	}
	if got, want := l.events(t), []string{"SeedKey", "CreateAlias", "CreateAlias", "SeedKey", "DescribeKey", "Encrypt", "DeleteExpiredKeyMaterial", "DescribeKey"}; !slices.Equal(got, want) {
		t.Errorf("events %q\nwant   %q", got, want)
	}
}

// Each row seeds, changes the deployment, and seeds again.
func TestSeedContradictions(t *testing.T) {
	const id, other = seedID, "22222222-2222-4222-8222-222222222222"
	full := seedText(seedMaterial)
	for _, c := range []struct {
		name        string
		first       string
		operation   string
		in          any
		then, wants string // "" means no contradiction
	}{
		{"nothing", full, "", nil, full, ""},
		{"an alias more", full, "", nil, full + "aliases = [\"alias/new\"]\n", ""},
		{"another tag in the store", full, "TagResource", &api.TagResourceRequest{KeyId: new(id), Tags: []api.Tag{{TagKey: new("b"), TagValue: new("2")}}}, full, ""},
		{"a description that the file does not mention", full, "UpdateKeyDescription", &api.UpdateKeyDescriptionRequest{KeyId: new(id), Description: new("x")}, full, ""},
		{"a state that the file does not mention", full, "DisableKey", &api.DisableKeyRequest{KeyId: new(id)}, full, ""},
		{"no material in the file", full, "", nil, seedText(""), ""},

		{"origin", full, "", nil, "[[key]]\nid = \"" + id + "\"\n", ":1: origin: the stored key has EXTERNAL, and the seed AWS_KMS: change the one or the other, or start with another --data folder"},
		{"key spec", "[[key]]\nid = \"" + id + "\"\nkey_spec = \"HMAC_256\"\n", "", nil, "[[key]]\nid = \"" + id + "\"\nkey_spec = \"HMAC_384\"\n", ":3: key_spec: the stored key has HMAC_256, and the seed HMAC_384: change"},
		{"key usage", "[[key]]\nid = \"" + id + "\"\nkey_spec = \"RSA_2048\"\nkey_usage = \"SIGN_VERIFY\"\n", "", nil, "[[key]]\nid = \"" + id + "\"\nkey_spec = \"RSA_2048\"\nkey_usage = \"ENCRYPT_DECRYPT\"\n",
			":4: key_usage: the stored key has SIGN_VERIFY, and the seed ENCRYPT_DECRYPT: change"},
		{"no key spec in the file", "[[key]]\nid = \"" + id + "\"\nkey_spec = \"HMAC_256\"\n", "", nil, "[[key]]\nid = \"" + id + "\"\n", ":1: key_spec: the stored key has HMAC_256, and the seed SYMMETRIC_DEFAULT: change"},
		{"description", full, "", nil, full + "description = \"d\"\n", `:5: description: the stored key has "", and the seed "d": change`},
		{"tag", full + "tags = { a = \"1\" }\n", "", nil, full + "tags = { a = \"2\" }\n", `:5: tags: the stored key does not have "a" with the value "2": change`},
		{"no tag", full, "", nil, full + "tags = { a = \"2\" }\n", ":5: tags: "},
		{"material", full, "", nil, seedText(strings.Replace(seedMaterial, "0001", "0101", 1)), ":4: material: the stored key has other material: change"},
		{"material of a key that had none", seedText(""), "", nil, full, ":4: material: the stored key has none yet: change"},
		{"deleted material", full, "DeleteImportedKeyMaterial", &api.DeleteImportedKeyMaterialRequest{KeyId: new(id)}, full, ":4: material: the material of the stored key was deleted or has expired: change"},
		{"an expiry", full, "", nil, full + "expires_in_days = 30\n", ":5: expires_in_days: the material of the stored key does not expire: change"},
		{"no expiry", full + "expires_in_days = 30\n", "", nil, full, ":4: material: the material of the stored key expires at "},
		{"disabled", full, "DisableKey", &api.DisableKeyRequest{KeyId: new(id)}, full + "enabled = true\n", ":5: enabled: the stored key is Disabled: change"},
		{"enabled", full, "", nil, full + "enabled = false\n", ":5: enabled: the stored key is Enabled: change"},
		{"pending deletion", full, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: new(id)}, full, ":2: id: the stored key is pending deletion: change"},
		{"an alias of another key", full + "aliases = [\"alias/a\"]\n[[key]]\nid = \"" + other + "\"\n", "UpdateAlias", &api.UpdateAliasRequest{AliasName: new("alias/a"), TargetKeyId: new(other)},
			full + "aliases = [\"alias/a\"]\n", `:5: aliases: "alias/a" is an alias of the stored key ` + other + ": change"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			l := newClockedService(t)
			defer l.end(t)
			if _, err := l.applySeed(t, c.first); err != nil {
				t.Fatal(err)
			}
			if c.operation != "" {
				must[any](t)(do(l.Service, c.operation, c.in))
			}
			before := l.paths(t)
			// If there is a contradiction, other keys of the file are not made either.
			made, err := l.applySeed(t, c.then+"[[key]]\nid = \"33333333-3333-4333-8333-333333333333\"\n")
			if c.wants == "" {
				if err != nil || made != 1 {
					t.Error(made, err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), "seed.toml"+c.wants) {
				t.Errorf("got  %v\nwant seed.toml%s", err, c.wants)
			}
			if after := l.paths(t); !slices.Equal(before, after) {
				t.Errorf("something was made: %q", after)
			}
		})
	}
}

// An expiry in a seed file is compared with the clock of the server.
func TestSeedExpires(t *testing.T) {
	l := newClockedService(t)
	at := func(d time.Duration) string {
		return seedText(seedMaterial + "expires = " + l.clock.Now().Add(d).Format(time.RFC3339) + "\n")
	}
	_, err := l.applySeed(t, at(-time.Second))
	if err == nil || !strings.Contains(err.Error(), "seed.toml:5: expires: ") || !strings.Contains(err.Error(), "has passed") {
		t.Errorf("a time that has passed: %v", err)
	}
	_, err = l.applySeed(t, at(key.MaxValidity+time.Minute))
	if err == nil || !strings.Contains(err.Error(), "seed.toml:5: expires: ") || !strings.Contains(err.Error(), "expires_in_days in its place") {
		t.Errorf("a time too far ahead: %v", err)
	}
	tomorrow := at(day)
	if _, err := l.applySeed(t, tomorrow); err != nil {
		t.Fatal(err)
	}
	if _, err := l.applySeed(t, tomorrow); err != nil {
		t.Errorf("again: %v", err)
	}
	_, err = l.applySeed(t, at(2*day))
	if err == nil || !strings.Contains(err.Error(), "seed.toml:5: expires: the stored key has ") {
		t.Errorf("another time: %v", err)
	}
	l.sweepAfter(t, day+time.Second)
	if _, err := l.applySeed(t, tomorrow); err != nil {
		t.Errorf("past the time: %v", err)
	}
	l.end(t)
}

// After a stop during Seed, the next start makes the rest.
func TestSeedAfterStop(t *testing.T) {
	l := newClockedService(t)
	stop := &stoppingBackend{Backend: l.backend}
	l.end(t)
	l.backend = stop
	stop.after(1000)
	l.restart(t)
	text := seedText(seedMaterial + "aliases = [\"alias/a\", \"alias/b\"]\n")
	stop.after(2) // accepts the key and one alias
	if _, err := l.applySeed(t, text); err == nil {
		t.Fatal("nothing stopped it")
	}
	stop.after(1000)
	l.restart(t)
	if made, err := l.applySeed(t, text); err != nil || made > 1 {
		t.Fatal(made, err)
	}
	for _, name := range []string{"alias/a", "alias/b"} {
		must[any](t)(do(l.Service, "DescribeKey", &api.DescribeKeyRequest{KeyId: &name}))
	}
	l.end(t)
}

// Nodes that start at the same moment with one seed file make each key and identity once, and all of them start.
func TestSeedAtSeveralNodes(t *testing.T) {
	text := seedText(seedMaterial+"aliases = [\"alias/a\", \"alias/b\"]\n") + `[[key]]
id = "22222222-2222-4222-8222-222222222222"
[[user]]
name = "alice"
[[user.access_key]]
id = "alice"
secret = "alices-secret"
`
	f, err := seed.Parse("seed.toml", []byte(text), seed.Defaults{Account: "111122223333", Region: "eu-west-2"})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		for round := range 20 {
			d := newDeployment()
			d.backend = memory.New()
			random := rand.New(rand.NewPCG(uint64(round), 0))
			var mu sync.Mutex
			delay := func() time.Duration {
				mu.Lock()
				defer mu.Unlock()
				return time.Duration(random.IntN(3)) * time.Millisecond
			}
			var all []*clusterNode
			for _, id := range []string{"A", "B", "C"} {
				network := &storetest.Faulty{Backend: d.backend, Lag: delay, Latency: delay}
				all = append(all, must[*clusterNode](t)(d.node(t, id, network, shared, func(c *service.Config) { c.Dev, c.DevAccount = true, "111122223333" })))
			}
			var made atomic.Int64
			var seeding sync.WaitGroup
			for _, n := range all {
				seeding.Go(func() {
					keys, err := n.Seed(t.Context(), f)
					made.Add(int64(keys))
					if err != nil {
						t.Errorf("round %d, node %s: %v", round, n.id, err)
					}
				})
			}
			seeding.Wait()
			if n := made.Load(); n != 2 {
				t.Errorf("round %d: %d keys were made", round, n)
			}
			for _, n := range all {
				must[any](t)(n.do("", "Encrypt", &api.EncryptRequest{KeyId: new("alias/b"), Plaintext: []byte("x")}))
				n.close()
			}
			d.verify(t)
		}
	})
}

// A node that meets a key which another node has made meanwhile makes the missing aliases, or reports a contradiction.
func TestSeedMeetsAnotherNode(t *testing.T) {
	aliases := "aliases = [\"alias/a\", \"alias/b\"]\n"
	for _, test := range []struct{ first, second, want string }{
		{seedMaterial, seedMaterial + aliases, ""},
		{seedMaterial + aliases, seedMaterial + aliases, ""},
		{seedMaterial + "description = \"other\"\n", seedMaterial + "description = \"own\"\n" + aliases, "description"},
	} {
		var files [2]seed.File
		for i, lines := range []string{test.first, test.second} {
			f, err := seed.Parse("seed.toml", []byte(seedText(lines)), seed.Defaults{Account: "111122223333", Region: "eu-west-2"})
			if err != nil {
				t.Fatal(err)
			}
			files[i] = f
		}
		synctest.Test(t, func(t *testing.T) {
			d := newDeployment()
			d.backend = memory.New()
			dev := func(c *service.Config) { c.Dev, c.DevAccount = true, "111122223333" }
			first := must[*clusterNode](t)(d.node(t, "A", &storetest.Faulty{Backend: d.backend}, shared, dev))
			network := &storetest.Faulty{Backend: d.backend}
			second := must[*clusterNode](t)(d.node(t, "B", network, shared, dev))
			meets := false
			network.Next = func(b store.Batch) (none storetest.Fault, _ time.Duration) {
				makesKey := slices.ContainsFunc(b.Writes, func(w store.Write) bool { return strings.HasSuffix(string(w.Key), seedID) })
				if makesKey && !meets {
					meets = true
					if made, err := first.Seed(t.Context(), files[0]); made != 1 || err != nil {
						t.Error(made, err)
					}
				}
				return none, 0
			}
			made, err := second.Seed(t.Context(), files[1])
			if !meets || made != 0 || (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%q meets %q: %v, %d keys were made, %v", test.second, test.first, meets, made, err)
			}
			for _, name := range []string{"alias/a", "alias/b"} {
				if _, err := first.do("", "DescribeKey", &api.DescribeKeyRequest{KeyId: &name}); (err == nil) != (test.want == "") {
					t.Errorf("%q meets %q: %s: %v", test.second, test.first, name, err)
				}
			}
			first.close()
			second.close()
		})
	}
}
