package service

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// Requests about the seal need a permission in the deployment's account.
func TestWhoChangesTheSeal(t *testing.T) {
	c := newAccessTest(t)
	c.user("officer", with(c.identity("allow keyhold:Seal*")))
	c.user("alice", with(c.identity("allow kms:*")))
	for _, op := range []struct{ name, members string }{{"SealStatus", `{}`}, {"SealRotate", `{"Key":"Root"}`}, {"SealMigrate", `{"To":"key-file:new.key"}`}} {
		c.as("officer").does(op.name, "", op.members)
		c.root().does(op.name, "", op.members)
		_, err := c.as("alice").try(op.name, "", op.members)
		c.wantRefusal(err, key.KindAccessDenied, "because no identity-based policy allows the keyhold:"+op.name)
		other := c.root()
		other.who = identity.Root(otherAccount)
		_, err = other.try(op.name, "", op.members)
		c.wantRefusal(err, key.KindAccessDenied, "because it is for principals of the deployment's account alone")
	}
}

// Requests that cannot be carried out get errors that say why, and change nothing.
func TestRefusedChangesOfTheSeal(t *testing.T) {
	c := newAccessTest(t)
	first := c.Custody().ID()
	for _, test := range []struct {
		name, operation, members string
		kind                     key.Kind
		part                     string
	}{
		{"unknown", "SealMigrate", `{"From":"key-file:0123456789abcdef"}`, key.KindNotFound, "the keyring has no such custody"},
		{"last", "SealMigrate", `{"From":"` + first + `"}`, key.KindConflict, "no other custody opens the keyring"},
	} {
		_, err := c.root().try(test.operation, "", test.members)
		t.Log(test.name)
		c.wantRefusal(err, test.kind, test.part)
	}
	for _, in := range []*api.SealMigrateRequest{{}, {To: new("x"), From: new("y")}} {
		wantRefusal(t, checkSealMigrate(in, time.Time{}), key.KindValidation, "Give either To")
	}
	wantRefusal(t, checkSealRotate(&api.SealRotateRequest{Key: new("root")}, time.Time{}), key.KindValidation, "give Root or Data")
	c.root().does("SealMigrate", "", `{"To":"x"}`)
	used := c.Custody().ID()
	if used == first {
		t.Fatal("the server uses the former custody")
	}
	_, err := c.root().try("SealMigrate", "", `{"From":"`+used+`"}`)
	c.wantRefusal(err, key.KindConflict, "a server uses the custody: this server does")
	c.openCustody = func(string) (seal.Root, error) { return nil, errors.New("the file is missing") }
	_, err = c.root().try("SealMigrate", "", `{"To":"x"}`)
	c.wantRefusal(err, key.KindValidation, "The server cannot open the custody: the file is missing.")
	c.openCustody = func(string) (seal.Root, error) { return brokenRoot{seal.NewEphemeralRoot()}, nil }
	if _, err = c.root().try("SealMigrate", "", `{"To":"x"}`); err == nil {
		t.Error("a custody that does not open what it wraps was added")
	}
	c.openCustody = noCustody
	_, err = c.root().try("SealMigrate", "", `{"To":"x"}`)
	c.wantRefusal(err, key.KindValidation, "cannot be changed while it runs")
	c.root().does("SealMigrate", "", `{"From":"`+first+`"}`)
	s := c.root().does("SealStatus", "", `{}`).(*api.SealStatusResponse)
	if len(s.Custodies) != 1 || *s.Custodies[0].CustodyId != used || !s.Custodies[0].InUse || s.Custodies[0].Lags {
		t.Errorf("%+v", s.Custodies)
	}
}

// A brokenRoot wraps something else.
type brokenRoot struct{ seal.Root }

func (brokenRoot) Unwrap(context.Context, []byte, string) ([]byte, error) {
	return make([]byte, 32), nil
}

// When a data key is destroyed, a grant token under it is ignored, and a session token under it is unknown. Tokens that
// the server never made are refused as before.
func TestTokensUnderADestroyedDataKey(t *testing.T) {
	now := time.Now()
	s := openLike(t, func(c *Config) { c.Clock = NewClock(func() time.Time { return now }) })
	s.devAccount = homeAccount
	c := accessTest{people{t, s}}
	s.sweeper.close()
	s.sweeper = startIdle()
	on := c.key()
	token := *c.root().does("CreateGrant", on, `{"GranteePrincipal":"`+who("alice")+`"}`).(*api.CreateGrantResponse).GrantToken
	session, err := s.sessionTokens.seal(sessionToken{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	use := func(token string) error {
		_, err := c.root().try("Encrypt", on, withGrantToken(token))
		return err
	}
	if err := use(token); err != nil {
		t.Fatal(err)
	}
	c.root().does("SealRotate", "", `{"Key":"Data"}`)
	for range 1000 {
		if _, err := s.seals.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left bool
		c.must(s.store.View(t.Context(), func(v *store.View) (err error) {
			var r records.Reseal
			r, left, err = records.Reseals.Get(v, records.ResealPath)
			if r.Phase == records.PhaseResting {
				now = r.Rest
			}
			return err
		}))
		if !left {
			break
		}
	}
	if st := c.root().does("SealStatus", "", `{}`).(*api.SealStatusResponse); len(st.DataKeys) != 1 || *st.DataKeys[0].Version != 2 || st.Rotation != nil {
		t.Fatalf("%+v", st)
	}
	if err := use(token); err != nil {
		t.Errorf("a grant token under a destroyed data key: %v", err)
	}
	c.wantRefusal(use("bm9uZQ=="), key.KindInvalidGrantToken, "not valid")
	_, err = c.root().try("RetireGrant", "", `{"GrantToken":"`+token+`"}`)
	c.wantRefusal(err, key.KindInvalidGrantToken, "not valid")
	if _, ok := s.sessionTokens.decode(session); ok {
		t.Error("a session token under a destroyed data key is known")
	}
}

// startIdle returns a sweeper that does nothing.
func startIdle() *sweeper { return &sweeper{stop: func() {}} }

func (c accessTest) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}
