package service

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// Declared material expires at a time, after a number of days of 24 hours, or never.
func TestExpiryOfDeclaredMaterial(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 1_999_999, time.UTC)
	at := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		in   api.SeedKeyRequest
		want time.Time
	}{
		{api.SeedKeyRequest{}, time.Time{}},
		{api.SeedKeyRequest{ValidTo: api.NewTimestamp(at)}, at},
		{api.SeedKeyRequest{ValidityDays: new(int32(1))}, time.Date(2026, 3, 2, 12, 0, 0, 1_000_000, time.UTC)},
		{api.SeedKeyRequest{ValidityDays: new(int32(31))}, time.Date(2026, 4, 1, 12, 0, 0, 1_000_000, time.UTC)},
	} {
		if got := seedValidTo(&test.in, now); !got.Equal(test.want) {
			t.Errorf("%+v: %v, want %v", test.in, got, test.want)
		}
	}
}

// A key that is recreated with the ID of its material accepts this material alone.
func TestRecreatedMaterial(t *testing.T) {
	c := newAccessTest(t)
	const id = "1234abcd-12ab-34cd-56ef-1234567890ab"
	material := strings.Repeat("m", 32)
	recreate := func(members ...string) {
		c.root().does("RecreateKey", "", append([]string{`{"KeyId":"` + id + `"}`}, members...)...)
	}
	recreate()
	c.root().does("ImportKeyMaterial", c.arn(id), c.importOf(c.arn(id), []byte(material)))
	materialID := c.stored(c.arn(id)).Materials[0].ID
	c.update(func(tx *store.Tx) error {
		k, _, err := records.Keys.Get(tx, homeAccount+"/eu-west-2/"+id)
		return errors.Join(err, records.Keys.Delete(tx, records.PathOf(k)))
	})
	recreate(`{"KeyMaterialId":"` + materialID + `"}`)
	if _, err := c.root().try("ImportKeyMaterial", c.arn(id), c.importOf(c.arn(id), []byte(strings.Repeat("x", 32)))); err == nil {
		t.Error("other material is imported")
	}
	c.root().does("ImportKeyMaterial", c.arn(id), c.importOf(c.arn(id), []byte(material)))
}

func (c accessTest) arn(id string) string {
	return "arn:aws:kms:eu-west-2:" + homeAccount + ":key/" + id
}

// The clock of a dev server moves by a number of seconds, or to a time.
func TestMoveClockBothWays(t *testing.T) {
	c, _ := newInterruptibleTest(t)
	root, start := c.rootWithKey(), c.clock.Now()
	for members, want := range map[string]time.Duration{
		`{"AdvanceSeconds":3600}`:                                time.Hour,
		fmt.Sprintf(`{"To":%d}`, start.Add(48*time.Hour).Unix()): 48*time.Hour - time.Second,
	} {
		c.clock.offset.Store(0)
		c.update(func(tx *store.Tx) error { return records.Clocks.Put(tx, records.ClockPath, records.Clock{}) })
		root.does("MoveClock", "", members)
		if ahead := c.clock.Now().Sub(start); ahead < want || ahead > want+time.Minute {
			t.Errorf("%s moves the clock by %v", members, ahead)
		}
	}
}

// A migration that moves an event leaves one alone that was removed since it was listed.
func TestMoveOfARemovedEvent(t *testing.T) {
	s := openForTest(t)
	var made bool
	err := s.store.Update(t.Context(), func(tx *store.Tx) (err error) {
		if err := moveEvent(tx, "gone", records.OutboxPath("node", "gone")); err != nil {
			return err
		}
		_, made, err = records.Outbox.Get(tx, records.OutboxPath("node", "gone"))
		return err
	})
	if made || err != nil {
		t.Errorf("an event is there: %v, %v", made, err)
	}
}

// A listing passes over index entries of grants that are gone.
func TestListingsOfGrantsThatAreGone(t *testing.T) {
	c := newAccessTest(t)
	c.user("alice")
	on := c.key()
	id, _ := c.root().grants(on, "alice", "Decrypt", `{"RetiringPrincipal":"`+who("alice")+`"}`)
	c.root().grants(on, "alice", "Encrypt", `{"RetiringPrincipal":"`+who("alice")+`"}`)
	c.update(func(tx *store.Tx) error { return records.Grants.Delete(tx, records.PathOf(c.stored(on))+"/"+id) })
	out := c.root().does("ListRetirableGrants", "", `{"RetiringPrincipal":"`+who("alice")+`"}`).(*api.ListRetirableGrantsResponse)
	if len(out.Grants) != 1 || *out.Grants[0].GrantId == id {
		t.Errorf("%+v", out.Grants)
	}
}

// A token that is shorter than its header, nonce and tag is not opened.
func TestShortestTokens(t *testing.T) {
	c := newAccessTest(t)
	on := c.keyLike(external)
	k := c.stored(on)
	for n := range 40 {
		token := make([]byte, n)
		if n > 0 {
			token[0] = tokenVersion
		}
		cl := &call{Service: c.Service, ctx: t.Context(), now: c.clock.Now()}
		_, err := cl.openToken(token, k)
		e, ok := errors.AsType[*key.Error](err)
		want := key.KindInvalidImportToken
		if n >= 37 {
			want = key.KindExpiredImportToken // of the hour 0
		}
		if !ok || e.Kind != want {
			t.Errorf("%d bytes: %v, want %s", n, err, want)
		}
	}
}
