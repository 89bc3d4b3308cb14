package service_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/store"
)

func (l *clockedService) enableRotation(t *testing.T, id string, days int32) {
	t.Helper()
	_, err := do(l.Service, "EnableKeyRotation", &api.EnableKeyRotationRequest{KeyId: &id, RotationPeriodInDays: &days})
	if err != nil {
		t.Fatal(err)
	}
}

func (l *clockedService) materials(t *testing.T, id string) []api.RotationsListEntry {
	t.Helper()
	return must[any](t)(do(l.Service, "ListKeyRotations", &api.ListKeyRotationsRequest{
		KeyId: &id, IncludeKeyMaterial: new("ALL_KEY_MATERIAL"), Limit: new(int32(1000)),
	})).(*api.ListKeyRotationsResponse).Rotations
}

func (l *clockedService) encrypt(t *testing.T, id, plaintext string) []byte {
	t.Helper()
	return must[any](t)(do(l.Service, "Encrypt", &api.EncryptRequest{KeyId: &id, Plaintext: []byte(plaintext)})).(*api.EncryptResponse).CiphertextBlob
}

// The sweep rotates each due key once, and older ciphertexts still decrypt.
func TestSweepRotates(t *testing.T) {
	l := newClockedService(t)
	id, other, disabled := l.createKey(t), l.createKey(t), l.createKey(t)
	l.enableRotation(t, id, 90)
	l.enableRotation(t, other, 365)
	l.enableRotation(t, disabled, 90)
	must[any](t)(do(l.Service, "DisableKey", &api.DisableKeyRequest{KeyId: &disabled}))
	first := l.encrypt(t, id, "first")

	l.sweepAfter(t, 90*day-time.Minute)
	if n := len(l.materials(t, id)); n != 1 {
		t.Errorf("%d materials before the date", n)
	}
	if err := l.clock.Advance(time.Minute + time.Second); err != nil {
		t.Fatal(err)
	}
	// Between the date and the sweep the former material is in use, and it stays valid.
	between := l.encrypt(t, id, "between")
	l.sweepAfter(t, 0)
	l.sweepAfter(t, time.Second)
	for key, want := range map[string]int{id: 2, other: 1, disabled: 1} {
		if n := len(l.materials(t, key)); n != want {
			t.Errorf("%d materials, want %d", n, want)
		}
	}
	l.end(t)
	l.restart(t)
	for text, blob := range map[string][]byte{"first": first, "between": between, "after": l.encrypt(t, id, "after")} {
		out := must[any](t)(do(l.Service, "Decrypt", &api.DecryptRequest{CiphertextBlob: blob})).(*api.DecryptResponse)
		if string(out.Plaintext) != text {
			t.Errorf("%q opens to %q", text, out.Plaintext)
		}
	}
	l.sweepAfter(t, 900*day) // ten dates are missed, and one rotation follows
	if n := len(l.materials(t, id)); n != 3 {
		t.Errorf("%d materials after a long time", n)
	}
	l.end(t)
	wantRotationEvents(t, l.path, id, "AUTOMATIC", 2)
	wantRotationEvents(t, l.path, disabled, "AUTOMATIC", 0)
}

// wantRotationEvents counts the events RotateKey of a key.
func wantRotationEvents(t *testing.T, log, id, rotationType string, want int) {
	t.Helper()
	n := 0
	for _, e := range readEvents(t, log) {
		if e["eventName"] != "RotateKey" || !strings.Contains(fmt.Sprint(e["resources"]), id) {
			continue
		}
		details, _ := e["serviceEventDetails"].(map[string]any)
		if e["eventType"] != "AwsServiceEvent" || details["keyId"] != id || details["rotationType"] != rotationType {
			t.Errorf("event %v", e)
		}
		n++
	}
	if n != want {
		t.Errorf("%d rotations of %s in the log, want %d", n, id, want)
	}
}

// A rotation on demand leaves two events: of the request and of the rotation. A refused request
// leaves only its own event, and no slot.
func TestRotationOnDemandIsAudited(t *testing.T) {
	l := newClockedService(t)
	counted := &countedSlots{Slots: l.slots, live: map[string]bool{}}
	l.end(t)
	l.slots = counted
	l.restart(t)
	id := l.createKey(t)
	rotate := func() error {
		_, err := do(l.Service, "RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &id})
		return err
	}
	for range 25 {
		if err := rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if err := rotate(); err == nil {
		t.Error("rotated 26 times")
	}
	if n := counted.count(); n != 26 {
		t.Errorf("%d slots for 26 materials", n)
	}
	l.end(t)
	wantRotationEvents(t, l.path, id, "ON_DEMAND", 25)
	asked := 0
	for _, e := range readEvents(t, l.path) {
		if e["eventName"] == "RotateKeyOnDemand" {
			asked++
		}
	}
	if asked != 26 {
		t.Errorf("%d requests in the log", asked)
	}
}

// A refusingBackend refuses commits with a conflict while it is on.
type refusingBackend struct {
	store.Backend
	on atomic.Bool
}

func (c *refusingBackend) Commit(ctx context.Context, b store.Batch) (int64, error) {
	if c.on.Load() {
		return 0, store.ErrConflict
	}
	return c.Backend.Commit(ctx, b)
}

// A rotation that could not be committed leaves no material, and is carried out later.
func TestRotationAfterAFailure(t *testing.T) {
	l := newClockedService(t)
	conflicting := &refusingBackend{Backend: l.backend}
	counted := &countedSlots{Slots: l.slots, live: map[string]bool{}}
	l.end(t)
	l.backend, l.slots = conflicting, counted
	l.restart(t)
	id := l.createKey(t)
	l.enableRotation(t, id, 90)
	conflicting.on.Store(true)
	if err := l.clock.Advance(91 * day); err != nil {
		t.Fatal(err)
	}
	if err := l.RotateDue(t.Context()); err == nil {
		t.Error("a rotation that was not committed reports success")
	}
	conflicting.on.Store(false)
	l.sweepAfter(t, 0)
	n := len(l.materials(t, id))
	l.end(t)
	if n != 2 || counted.count() != 2 {
		t.Errorf("%d materials, %d slots", n, counted.count())
	}
}

// A key with more materials than a transaction can write records can be removed, with every slot.
func TestKeyOfManyMaterialsIsRemoved(t *testing.T) {
	l := newClockedService(t)
	before := l.paths(t)
	counted := &countedSlots{Slots: l.slots, live: map[string]bool{}}
	l.end(t)
	l.slots = counted
	l.restart(t)
	id := l.createKey(t)
	l.enableRotation(t, id, 90)
	for range store.MaxBatch + 20 {
		if err := errors.Join(l.clock.Advance(90*day), l.RotateDue(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(l.materials(t, id)); n != store.MaxBatch+21 || counted.count() != n {
		t.Fatalf("%d materials, %d slots", n, counted.count())
	}
	must[any](t)(do(l.Service, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &id, PendingWindowInDays: new(int32(7))}))
	l.sweepAfter(t, 7*day+time.Second)
	if n := counted.count(); n != 0 {
		t.Errorf("%d slots are left", n)
	}
	l.end(t)
	if got := l.paths(t); len(got) != len(before) {
		t.Errorf("left is %v", got)
	}
}
