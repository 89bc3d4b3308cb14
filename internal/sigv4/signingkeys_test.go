package sigv4

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

func TestCache(t *testing.T) {
	c := newSigningKeys()
	for i := range 3 * 1024 {
		d := derivation{"secret", "20260101", fmt.Sprintf("eu-west-%d", i), "kms"}
		signature := [32]byte(mac(d.signingKey(), "message"))
		if got := c.get(d); c.get(d) != got || !got.verifies(signature, []byte("message")) || !got.verifies(signature, []byte("message")) || got.verifies(signature, []byte("messagE")) {
			t.Fatal("the cache does not return the derived key")
		}
		if kept, _ := c.cache.Size(); kept != min(i+1, 1024) {
			t.Fatalf("%d signing keys in the cache", kept)
		}
	}
}

func TestSigningKeysDependOnEveryPart(t *testing.T) {
	c := newSigningKeys()
	seen := map[string]derivation{}
	for _, d := range []derivation{
		{"secret", "20260101", region, "kms"},
		{"secreT", "20260101", region, "kms"},
		{"secret", "20260102", region, "kms"},
		{"secret", "20260101", "eu-west-3", "kms"},
		{"secret", "20260101", region, "sts"},
	} {
		signature := mac(d.signingKey(), "message")
		for other := range seen {
			if c.get(d).verifies([32]byte([]byte(other)), []byte("message")) {
				t.Errorf("%+v and %+v give one signing key", d, seen[other])
			}
		}
		seen[string(signature)] = d
	}
}

func TestChangedSecretIsNotServedFromCache(t *testing.T) {
	current := "first"
	cfg := config()
	cfg.Lookup = func(context.Context, string) (identity.AccessKey, bool, error) {
		return identity.AccessKey{ID: exampleID, Secret: identity.NewSecret(current), Principal: identity.Root(account)}, true, nil
	}
	v := NewVerifier(cfg)
	verify := func(secret string) error {
		_, err := verify(v, signedRequest(t, signer{secret: secret}, body), []byte(body), "kms")
		return err
	}
	if err := verify("first"); err != nil {
		t.Fatal(err)
	}
	current = "second"
	wantRefusal(t, verify("first"), key.KindInvalidSignature, mismatch)
	if err := verify("second"); err != nil {
		t.Error(err)
	}
}

func TestConcurrentUse(t *testing.T) {
	const workers, rounds = 8, 200 // more signing keys than the cache holds
	cfg := config()
	var known []identity.AccessKey
	for i := range workers {
		known = append(known, identity.AccessKey{ID: fmt.Sprintf("KEY%d", i), Secret: identity.NewSecret(fmt.Sprintf("secret%d", i)), Principal: identity.Root(fmt.Sprintf("%012d", i))})
	}
	cfg.Lookup = lookupOf(known...)
	cfg.Regions = func(string) bool { return true }
	v := NewVerifier(cfg)
	var group sync.WaitGroup
	for i := range workers {
		var good, bad []*http.Request
		for j := range rounds {
			s := signer{id: known[i].ID, secret: fmt.Sprintf("secret%d", i), region: fmt.Sprintf("eu-west-%d", j)}
			good = append(good, signedRequest(t, s, body))
			s.secret = fmt.Sprintf("secret%d", (i+1)%workers)
			bad = append(bad, signedRequest(t, s, body))
		}
		group.Go(func() {
			for j := range rounds {
				caller, err := verify(v, good[j], []byte(body), "kms")
				if err != nil || caller.Principal.AccountID != known[i].Principal.AccountID || caller.Principal.AccessKeyID != known[i].ID {
					t.Errorf("%+v, %v", caller, err)
				}
				if _, err := verify(v, bad[j], []byte(body), "kms"); err == nil {
					t.Error("another key's signature is accepted")
				}
			}
		})
	}
	group.Wait()
}
