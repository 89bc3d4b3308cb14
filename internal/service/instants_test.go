package service

import (
	"errors"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
)

// An expiry takes effect exactly at its moment, and not before.
func TestTokensEndAtTheirInstant(t *testing.T) {
	c, k := tokenFixture(t, key.SymmetricDefault)
	_, token := newToken(t, c, k, "RSAES_OAEP_SHA_256")
	issued := c.now
	for after, want := range map[time.Duration]error{0: nil, tokenValidity - 1: nil, tokenValidity: errTokenExpired, tokenValidity + 1: errTokenExpired} {
		c.now = issued.Add(after)
		if _, err := c.openToken(token, k); !errors.Is(err, want) {
			t.Errorf("after %v: %v", after, err)
		}
	}
}

func TestValidToAtItsInstant(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 30, 0, 0, time.UTC)
	for validTo, refused := range map[time.Time]bool{
		now.Add(-time.Second): true, now: true, now.Add(time.Millisecond): false,
		now.Add(key.MaxValidity): false, now.Add(key.MaxValidity + time.Millisecond): true,
	} {
		in := &api.ImportKeyMaterialRequest{ValidTo: api.NewTimestamp(validTo)}
		if err := checkImport(in, now); (err != nil) != refused {
			t.Errorf("a ValidTo of %v: %v", validTo, err)
		}
	}
	// The moment of expiry comes between the check of the request and the use of the material.
	k := key.Key{State: key.Enabled, Materials: []key.Material{{ID: "a", Sealed: []byte("x"), Slot: "s", ValidTo: now}}}
	for at, there := range map[time.Time]bool{now.Add(-1): true, now: false, now.Add(1): false} {
		if m := k.At(at).Materials[0]; m.Present() != there {
			t.Errorf("at %v the material is there: %v", at, m.Present())
		}
	}
}

func TestSessionsEndAtTheirInstant(t *testing.T) {
	p, _ := newSession(t)
	now := p.clock.Now()
	role, _, err := records.Roles.Latest(t.Context(), p.store, records.NamedPath(homeAccount, "deployer"), nil)
	if err != nil {
		t.Fatal(err)
	}
	frozen := NewClock(func() time.Time { return now })
	p.clock = frozen
	for left, want := range map[time.Duration]bool{-1: true, 0: true, 1: false} {
		s := identity.Session{AccessKeyID: "ASIA", Account: homeAccount, Role: "deployer", RoleID: role.ID, Name: "n", Issued: now.Add(-time.Hour), Expires: now.Add(left)}
		token, err := p.sessionTokens.seal(sessionToken{Session: s, Secret: "s"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if k, ok, err := p.Session(t.Context(), token); err != nil || !ok || k.Expired != want {
			t.Errorf("with %v left: %+v, %v, %v", left, k.Expired, ok, err)
		}
	}
}
