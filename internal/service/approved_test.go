package service

import (
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
)

// A server that allows some algorithms and specs refuses requests for others, and the use of keys of other specs.
func TestApprovedOnly(t *testing.T) {
	approved := map[string]bool{"SYMMETRIC_DEFAULT": true, "ECC_NIST_P256": true, "ECDSA_SHA_256": true}
	allow := true
	c := accessTest{people{t, openLike(t, func(c *Config) {
		c.DevAccount, c.Approved = homeAccount, func(name string) bool { return allow || approved[name] }
	})}}
	symmetric, signing := c.keyLike(`{}`), c.keyLike(`{"KeySpec":"ECC_NIST_P256","KeyUsage":"SIGN_VERIFY"}`)
	other := c.keyLike(`{"KeySpec":"ECC_SECG_P256K1","KeyUsage":"SIGN_VERIFY"}`)
	allow = false
	message := `{"Message":"eA==","SigningAlgorithm":"ECDSA_SHA_256"}`
	c.root().does("Encrypt", symmetric, `{"Plaintext":"eA=="}`)
	c.root().does("Sign", signing, message)
	c.root().does("DescribeKey", other)
	for _, test := range []struct{ operation, on, members, name string }{
		{"Sign", other, message, "ECC_SECG_P256K1"},
		{"GetPublicKey", other, `{}`, "ECC_SECG_P256K1"},
		{"CreateKey", "", `{"KeySpec":"ECC_SECG_P256K1","KeyUsage":"SIGN_VERIFY"}`, "ECC_SECG_P256K1"},
		{"Sign", signing, `{"Message":"eA==","SigningAlgorithm":"ECDSA_SHA_384"}`, "ECDSA_SHA_384"},
	} {
		kind, text := c.root().refusal(test.operation, test.on, test.members)
		if kind != key.KindUnsupportedOperation || text != test.name+" is not supported in FIPS mode." {
			t.Errorf("%s: %v, %q", test.operation, kind, text)
		}
	}
}

// An operator of a stopped server adds a custody, which the server then uses, and removes the other one.
func TestMigrateSeal(t *testing.T) {
	c := newAccessTest(t)
	first, second := c.Custody().ID(), seal.NewEphemeralRoot()
	if err := c.MigrateSeal(t.Context(), nil, first); err == nil {
		t.Error("the last custody was removed")
	}
	if err := c.MigrateSeal(t.Context(), second, ""); err != nil || c.Custody().ID() != second.ID() {
		t.Errorf("%v, the server uses %s", err, c.Custody().ID())
	}
	if err := c.MigrateSeal(t.Context(), nil, first); err != nil {
		t.Error(err)
	}
	out := c.root().does("SealStatus", "", `{}`).(*api.SealStatusResponse)
	if len(out.Custodies) != 1 || *out.Custodies[0].CustodyId != second.ID() || !out.Custodies[0].InUse {
		t.Errorf("%+v", out.Custodies)
	}
}

// SealStatus shows the proof of the custody in use, and since when the custody fails.
func TestProofOfTheCustody(t *testing.T) {
	c := newAccessTest(t)
	own := c.Custody().ID()
	proved, since := time.Unix(1_900_000_000, 0), time.Unix(1_800_000_000, 0)
	for _, p := range []CustodyProof{{own, proved, since, false}, {own, proved, since, true}, {"other", proved, since, true}} {
		c.ShowProof(func() CustodyProof { return p })
		one := c.root().does("SealStatus", "", `{}`).(*api.SealStatusResponse).Custodies[0]
		if (one.Proved != nil) != (p.Custody == own) || (one.FailsSince != nil) != (p.Fails && p.Custody == own) {
			t.Errorf("%+v: %+v", p, one)
		}
		if one.FailsSince != nil && (*one.FailsSince != *timestamp(since) || *one.Proved != *timestamp(proved)) {
			t.Errorf("%+v: %+v", p, one)
		}
	}
}
