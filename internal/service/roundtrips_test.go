package service

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// importOf returns the members of an import of material, for a key in a Region.
func (c accessTest) importOf(arn string, material []byte) string {
	c.Helper()
	out := c.inRegionOf(arn).does("GetParametersForImport", arn).(*api.GetParametersForImportResponse)
	public, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		c.Fatal(err)
	}
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), material, nil)
	if err != nil {
		c.Fatal(err)
	}
	members, err := json.Marshal(map[string][]byte{"ImportToken": out.ImportToken, "EncryptedKeyMaterial": wrapped})
	if err != nil {
		c.Fatal(err)
	}
	return string(members)
}

// inRegionOf returns the root of home in the Region of a key.
func (c accessTest) inRegionOf(arn string) actor {
	return c.root().with(func(r *Request) { r.Caller.Region = regionOf(arn) })
}

// replicate gives a multi-Region key as many replicas as it can have, and returns their ARNs.
func (c accessTest) replicate(primary string, members ...string) (replicas []string) {
	c.Helper()
	for i := range key.MaxReplicas {
		in := fmt.Sprintf(`{"ReplicaRegion":"eu-west-%d"}`, i+10)
		out := c.root().does("ReplicateKey", primary, append([]string{in}, members...)...)
		replicas = append(replicas, *out.(*api.ReplicateKeyResponse).ReplicaKeyMetadata.Arn)
	}
	return replicas
}

const external, multiRegion, asNewMaterial = `{"Origin":"EXTERNAL"}`, `{"MultiRegion":true}`, `{"ImportType":"NEW_KEY_MATERIAL"}`

// What an operation asks of the Backend does not grow with the number of keys that it reads.
func TestRoundTrips(t *testing.T) {
	c := newCostedTest(t)
	made, own := c.keyLike(`{}`), c.keyLike(external)
	related, ownRelated := c.keyLike(multiRegion), c.keyLike(`{"Origin":"EXTERNAL","MultiRegion":true}`)
	c.replicate(related)
	c.costs("ImportKeyMaterial", ownRelated, c.importOf(ownRelated, make([]byte, 32)))
	c.replicate(ownRelated)
	next := make([]byte, 32)
	next[0] = 1
	c.user("alice", with(allowAll))
	c.role("app", with(allowAll))
	c.as("alice").does("DescribeKey", related) // reads her policies
	for _, test := range []struct {
		who, operation, on string
		members            []string
		want               string
	}{
		{"home", "CreateKey", "", nil, "1 Views, 0 Gets, 2 writes"},
		{"home", "CreateAlias", made, nil, "2 Views, 3 Gets, 4 writes"},
		{"home", "ImportKeyMaterial", own, []string{c.importOf(own, make([]byte, 32))}, "1 Views, 1 Gets, 2 writes"},
		{"home", "DeleteImportedKeyMaterial", own, nil, "1 Views, 1 Gets, 3 writes"},
		{"home", "RotateKeyOnDemand", related, nil, "2 Views, 4 Gets, 43 writes"},
		{"alice", "RotateKeyOnDemand", related, nil, "2 Views, 4 Gets, 43 writes"},
		{"role/app", "RotateKeyOnDemand", related, nil, "2 Views, 4 Gets, 43 writes"},
		{"alice", "UpdateKeyDescription", related, nil, "1 Views, 1 Gets, 2 writes"},
		{"home", "UpdatePrimaryRegion", related, []string{`{"PrimaryRegion":"eu-west-10"}`}, "1 Views, 2 Gets, 43 writes"},
		{"home", "ImportKeyMaterial", ownRelated, []string{c.importOf(ownRelated, next), asNewMaterial}, "1 Views, 2 Gets, 42 writes"},
		{"home", "ScheduleKeyDeletion", ownRelated, nil, "1 Views, 1 Gets, 2 writes"},
	} {
		a := c.as(test.who)
		if got := c.costsAs(a, test.operation, test.on, test.members...).String(); got != test.want {
			t.Errorf("%s by %s: %s; want %s", test.operation, test.who, got, test.want)
		}
	}
	if got := c.cold().costs("Encrypt", made).String(); got != "1 Views, 1 Gets, 0 writes" {
		t.Errorf("Encrypt with nothing in memory: %s", got)
	}
	if got := c.costs("Encrypt", made).String(); got != "0 Views, 0 Gets, 0 writes" {
		t.Errorf("Encrypt: %s", got)
	}
}

// On a store that nodes share, a change of what memory has needs no round trip besides its commit.
func TestRoundTripsOnASharedStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := interruptible{Backend: costed{memory.New()}, slots: memory.NewSlots(), root: seal.NewEphemeralRoot()}
		c := costedTest{accessTest{people{t, openLike(t, func(c *Config) {
			c.Backend, c.Slots, c.Root, c.Dev, c.DevAccount = d.Backend, d.slots, d.root, true, homeAccount
			c.Node, c.Shared = "node", true
		})}}, d}
		c.user("alice", with(allowAll))
		made := c.keyLike(`{}`)
		describe := []string{`{"Description":"another"}`}
		c.as("alice").does("UpdateKeyDescription", made, describe...) // so that memory has the records
		for _, test := range []struct {
			who, operation string
			members        []string
			want           string
		}{
			{"home", "UpdateKeyDescription", []string{`{"Description":"third"}`}, "0 Views, 0 Gets, 3 writes"},
			{"alice", "UpdateKeyDescription", describe, "0 Views, 0 Gets, 3 writes"},
			{"alice", "CreateKey", nil, "0 Views, 0 Gets, 3 writes"},
			{"home", "CreateAlias", nil, "1 Views, 1 Gets, 4 writes"},
			{"home", "TagResource", nil, "0 Views, 0 Gets, 3 writes"},
			{"alice", "DisableKey", nil, "0 Views, 0 Gets, 2 writes"},
			{"home", "EnableKey", nil, "0 Views, 0 Gets, 2 writes"},
		} {
			synctest.Wait()
			if got := c.costsAs(c.as(test.who), test.operation, made, test.members...).String(); got != test.want {
				t.Errorf("%s by %s: %s; want %s", test.operation, test.who, got, test.want)
			}
		}
	})
}
