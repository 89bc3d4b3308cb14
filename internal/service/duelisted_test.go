package service

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// stored returns the record of a key.
func (c accessTest) stored(arn string) (k key.Key) {
	c.Helper()
	k, err := c.storedKey(c.Context(), records.KeyPath(homeAccount, regionOf(arn), idOf(arn)))
	if err != nil {
		c.Fatal(err)
	}
	return k
}

// entries returns how many entries the index of due times has for a key.
func (c accessTest) entries(arn string) (n int) {
	c.Helper()
	err := c.store.View(c.Context(), func(v *store.View) error {
		all, err := records.Dues.Scan(v, "", "", 1000)
		for _, r := range all {
			if strings.HasSuffix(r.Path, regionOf(arn)+"/"+idOf(arn)) {
				n++
			}
		}
		return err
	})
	if err != nil {
		c.Fatal(err)
	}
	return n
}

// wantSound checks that keyhold verify finds nothing.
func (c costedTest) wantSound() {
	c.Helper()
	d := c.deployment
	_, err := integrity.Verify(c.Context(), integrity.Remains{Backend: d.Backend, Slots: d.slots, Root: d.root, Log: emptyLog()},
		func(f integrity.Finding) { c.Error(f) })
	if err != nil {
		c.Fatal(err)
	}
}

// A replica that becomes due later stays where the index of due times lists it, with one entry, until the sweep comes
// there. Then the sweep moves the entry. A replica that becomes due earlier is moved at once.
func TestReplicaIsListedEarlierThanItIsDue(t *testing.T) {
	c := newCostedTest(t)
	importUntil := func(arn string, material byte, after time.Duration, members ...string) {
		until := fmt.Sprint(c.clock.Now().Add(after).Unix())
		bytes := make([]byte, 32)
		bytes[0] = material
		members = append([]string{c.importOf(arn, bytes), `{"ExpirationModel":"KEY_MATERIAL_EXPIRES","ValidTo":` + until + `}`}, members...)
		c.inRegionOf(arn).does("ImportKeyMaterial", arn, members...)
	}
	primary := c.keyLike(`{"Origin":"EXTERNAL","MultiRegion":true}`)
	importUntil(primary, 1, 300*24*time.Hour)
	out := c.root().does("ReplicateKey", primary).(*api.ReplicateKeyResponse)
	replica := *out.ReplicaKeyMetadata.Arn
	importUntil(replica, 1, 200*24*time.Hour)
	importUntil(primary, 2, 2*time.Hour, asNewMaterial)
	importUntil(replica, 2, time.Hour)

	want := func(what string, listed, due time.Duration, base time.Time) {
		t.Helper()
		k := c.stored(replica)
		if got := k.ListedAt().Sub(base).Round(time.Minute); got != listed {
			t.Errorf("%s the replica is listed after %v, not after %v", what, got, listed)
		}
		if got := k.Due().Sub(base).Round(time.Minute); got != due {
			t.Errorf("%s the replica is due after %v, not after %v", what, got, due)
		}
		if n := c.entries(replica); n != 1 {
			t.Errorf("%s the replica has %d entries", what, n)
		}
		c.wantSound()
	}
	base := c.clock.Now()
	want("with pending material", time.Hour, time.Hour, base)
	c.root().does("DeleteImportedKeyMaterial", primary, `{"KeyMaterialId":"`+c.stored(primary).Pending.ID+`"}`)
	want("without pending material", time.Hour, 200*24*time.Hour, base)
	sweep := func(after time.Duration) {
		t.Helper()
		if err := errors.Join(c.clock.Advance(after), c.Sweep(c.Context())); err != nil {
			t.Fatal(err)
		}
	}
	sweep(time.Hour + 2*time.Second)
	want("after the sweep", 200*24*time.Hour, 200*24*time.Hour, base)
	c.inRegionOf(replica).does("ScheduleKeyDeletion", replica, `{"PendingWindowInDays":7}`)
	want("pending deletion", 7*24*time.Hour+time.Hour, 7*24*time.Hour+time.Hour, base)
	c.inRegionOf(replica).does("CancelKeyDeletion", replica)
	want("after the cancellation", 7*24*time.Hour+time.Hour, 200*24*time.Hour, base)
	sweep(200 * 24 * time.Hour) // past both moments
	if k := c.stored(replica); k.Materials[0].Present() {
		t.Error("expired material was not removed")
	}
	c.Sweep(c.Context())
	if n := c.entries(replica); n != 0 {
		t.Errorf("%d entries of a replica that is not due", n)
	}
	c.wantSound()
}

// The sweep moves no entry while the disk is full: it uses the reserve for erasures.
func TestEntriesStayWhileTheDiskIsFull(t *testing.T) {
	var full atomic.Bool
	s := openLike(t, func(c *Config) {
		c.DevAccount = homeAccount
		c.Full = func() error {
			if full.Load() {
				return space.ErrFull
			}
			return nil
		}
	})
	c := accessTest{people{t, s}}
	arn := c.keyLike(`{}`)
	c.root().does("EnableKeyRotation", arn)
	k := c.stored(arn)
	k.Listed = c.clock.Now().Add(time.Hour)
	c.update(func(tx *store.Tx) error {
		return errors.Join(records.Keys.Put(tx, records.PathOf(k), k), records.Dues.Delete(tx, records.DuePath(k.Due(), records.PathOf(k))),
			records.Dues.Put(tx, records.DuePath(k.Listed, records.PathOf(k)), struct{}{}))
	})
	full.Store(true)
	for _, moved := range []bool{false, true} {
		if err := errors.Join(c.clock.Advance(time.Hour+2*time.Second), c.Sweep(t.Context())); err != nil {
			t.Fatal(err)
		}
		if k := c.stored(arn); k.Listed.IsZero() != moved || c.entries(arn) != 1 {
			t.Errorf("listed at %v, with %d entries; moved: want %v", k.Listed, c.entries(arn), moved)
		}
		full.Store(false)
	}
}
