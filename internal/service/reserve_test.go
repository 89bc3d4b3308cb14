package service_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// A switchedDisk is full while full is set.
type switchedDisk struct{ full atomic.Bool }

func (d *switchedDisk) Full() error {
	if d.full.Load() {
		return space.Full(syscall.ENOSPC)
	}
	return nil
}

func newFullDiskService(t *testing.T) (clockedService, *switchedDisk) {
	t.Helper()
	d := &switchedDisk{}
	l := newClockedService(t)
	l.end(t)
	l.full = d.Full
	l.restart(t)
	return l, d
}

// On a full disk, only operations that revoke or destroy succeed.
func TestFullDiskAtTheGate(t *testing.T) {
	l, disk := newFullDiskService(t)
	id := l.createKey(t)
	disk.full.Store(true)
	want := map[string]bool{}
	for _, name := range strings.Fields("CancelKeyDeletion DeleteIdentity DeleteImportedKeyMaterial DisableKey RetireGrant RevokeGrant RevokeSessions ScheduleKeyDeletion SetIdentityState") {
		want[name] = true
	}
	for _, name := range service.ProductionNames() {
		op, _ := l.Find(name)
		_, err := do(l.Service, name, op.NewInput())
		if err == nil && want[name] {
			t.Errorf("%s of nothing is carried out", name)
		}
		if errors.Is(err, space.ErrFull) == want[name] {
			t.Errorf("%s on a full disk: %v", name, err)
		}
	}
	must[any](t)(do(l.Service, "DisableKey", &api.DisableKeyRequest{KeyId: &id}))
	disk.full.Store(false)
	wantStateOf(t, l.Service, id, "Disabled")
	must[any](t)(do(l.Service, "EnableKey", &api.EnableKeyRequest{KeyId: &id}))
	l.end(t)
	wantOneEvent(t, l.path, "DisableKey", id)
}

func wantStateOf(t *testing.T, s *service.Service, id, state string) {
	t.Helper()
	out := must[any](t)(do(s, "DescribeKey", &api.DescribeKeyRequest{KeyId: &id})).(*api.DescribeKeyResponse)
	if got := *out.KeyMetadata.KeyState; got != state {
		t.Errorf("the key is %s, not %s", got, state)
	}
}

// fillingSlots fill the disk when CreateKey stores a secret, after the gate and before the
// commit.
type fillingSlots struct {
	*countedSlots
	disk *switchedDisk
}

func (s fillingSlots) Put(ctx context.Context, secret []byte) (string, error) {
	s.disk.full.Store(true)
	return s.countedSlots.Put(ctx, secret)
}

// If the disk becomes full after the gate, no part of the change is made.
func TestFullDiskBeforeTheCommit(t *testing.T) {
	l := newClockedService(t)
	l.end(t)
	slots, disk := &countedSlots{Slots: l.slots, live: map[string]bool{}}, &switchedDisk{}
	l.slots, l.full = fillingSlots{slots, disk}, disk.Full
	l.restart(t)
	before := l.paths(t)
	if _, err := do(l.Service, "CreateKey", &api.CreateKeyRequest{}); !errors.Is(err, space.ErrFull) {
		t.Errorf("CreateKey: %v", err)
	}
	if got := l.paths(t); len(got) != len(before) || l.outbox(t) != 0 || len(slots.live) != 0 {
		t.Errorf("records %q, %d events, slots %v", got, l.outbox(t), slots.live)
	}
	l.end(t)
}

// A fullFile accepts no writes while its disk is full.
type fullFile struct {
	audit.Discard
	disk *switchedDisk
	mu   sync.Mutex
	text []byte
}

func (f *fullFile) Write(p []byte) (int, error) {
	if f.disk.Full() != nil {
		return 0, syscall.ENOSPC
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = append(f.text, p...)
	return len(p), nil
}

func (f *fullFile) has(text string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Contains(string(f.text), text)
}

// A revocation succeeds although the log has no space: the store keeps the event until the log
// accepts it.
func TestRevocationWhileTheLogIsFull(t *testing.T) {
	d, f := newDeployment(), &fullFile{disk: &switchedDisk{}}
	log := audit.New(f, audit.Options{})
	s := d.open(t, log)
	id := *must[any](t)(do(s, "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	f.disk.full.Store(true)
	if _, err := do(s, "DescribeKey", &api.DescribeKeyRequest{KeyId: &id}); err == nil {
		t.Error("a read was answered that is in no log")
	}
	must[any](t)(do(s, "DisableKey", &api.DisableKeyRequest{KeyId: &id}))
	for name, err := range map[string]error{
		"EnableKey":            onlyError(do(s, "EnableKey", &api.EnableKeyRequest{KeyId: &id})),
		"DisableKey of no key": onlyError(do(s, "DisableKey", &api.DisableKeyRequest{KeyId: new("12345678-1234-1234-1234-123456789012")})),
	} {
		if !errors.Is(err, space.ErrFull) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if f.has("DisableKey") || d.outbox(t) == 0 {
		t.Errorf("the event is in the log, or not in the store: %d are", d.outbox(t))
	}
	f.disk.full.Store(false)
	for begun := time.Now(); log.Healthy() != nil && time.Since(begun) < 20*time.Second; {
		time.Sleep(time.Millisecond)
	}
	must[any](t)(do(s, "EnableKey", &api.EnableKeyRequest{KeyId: &id}))
	if err := errors.Join(log.Close(), s.Close()); err != nil || !f.has("DisableKey") || d.outbox(t) != 0 {
		t.Errorf("%v, in the log %v, %d events in the outbox", err, f.has("DisableKey"), d.outbox(t))
	}
}

func onlyError(_ any, err error) error { return err }

// Expiry and deletions go on when the disk is full; rotations wait.
func TestSweepOnAFullDisk(t *testing.T) {
	l, disk := newFullDiskService(t)
	rotated, deleted := l.createKey(t), l.createKey(t)
	expires := *must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{Origin: new("EXTERNAL")})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	must[any](t)(do(l.Service, "EnableKeyRotation", &api.EnableKeyRotationRequest{KeyId: &rotated, RotationPeriodInDays: new(int32(90))}))
	must[any](t)(do(l.Service, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &deleted, PendingWindowInDays: new(int32(7))}))
	l.importInto(t, expires, 24*time.Hour)
	rotations := func() int {
		out := must[any](t)(do(l.Service, "ListKeyRotations", &api.ListKeyRotationsRequest{KeyId: &rotated})).(*api.ListKeyRotationsResponse)
		return len(out.Rotations)
	}
	disk.full.Store(true)
	l.sweepAfter(t, 91*day)
	disk.full.Store(false)
	if n := rotations(); n != 0 {
		t.Errorf("%d rotations on a full disk", n)
	}
	l.sweepAfter(t, 0)
	if n := rotations(); n != 1 {
		t.Errorf("%d rotations with space again", n)
	}
	wantStateOf(t, l.Service, expires, "PendingImport")
	l.end(t)
	wantOneEvent(t, l.path, "DeleteExpiredKeyMaterial", expires)
	wantOneEvent(t, l.path, "DeleteKey", deleted)
}

// unerasableSlots cannot be overwritten while their disk is full, as on a copy-on-write
// file system.
type unerasableSlots struct {
	*countedSlots
	disk *switchedDisk
}

func (s unerasableSlots) Erase(ctx context.Context, slots ...string) error {
	if err := s.disk.Full(); err != nil {
		return err
	}
	return s.countedSlots.Erase(ctx, slots...)
}

var _ store.Slots = unerasableSlots{}

// No answer says that material is destroyed before it is destroyed. The sweep destroys the
// material when there is space.
func TestErasureOnAFullDisk(t *testing.T) {
	l := newClockedService(t)
	l.end(t)
	slots := unerasableSlots{&countedSlots{Slots: l.slots, live: map[string]bool{}}, &switchedDisk{}}
	l.slots = slots
	l.restart(t)
	id := *must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{Origin: new("EXTERNAL")})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	l.importInto(t, id, 24*time.Hour)
	before := slots.count()
	slots.disk.full.Store(true)
	for range 3 {
		if _, err := do(l.Service, "DeleteImportedKeyMaterial", &api.DeleteImportedKeyMaterialRequest{KeyId: &id}); !errors.Is(err, space.ErrFull) {
			t.Errorf("DeleteImportedKeyMaterial: %v", err)
		}
	}
	l.log.Close()
	l.Service.Close()
	l.restart(t) // must also succeed
	if err := l.Sweep(t.Context()); !errors.Is(err, space.ErrFull) || slots.count() != before {
		t.Errorf("sweep: %v, %d slots, %d before", err, slots.count(), before)
	}
	slots.disk.full.Store(false)
	l.sweepAfter(t, 0)
	if slots.count() != before-1 {
		t.Errorf("%d slots, %d before", slots.count(), before)
	}
	must[any](t)(do(l.Service, "DeleteImportedKeyMaterial", &api.DeleteImportedKeyMaterialRequest{KeyId: &id}))
	l.end(t)
}
