package service_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// A racingBackend runs a function once before the next commit of a key, so that the commit
// is based on outdated reads.
type racingBackend struct {
	store.Backend
	fn atomic.Pointer[func()]
}

func (m *racingBackend) Commit(ctx context.Context, b store.Batch) (int64, error) {
	ofKey := slices.ContainsFunc(b.Writes, func(w store.Write) bool { return strings.HasPrefix(string(w.Key), "key/") })
	if ofKey {
		if fn := m.fn.Swap(nil); fn != nil {
			(*fn)()
		}
	}
	return m.Backend.Commit(ctx, b)
}

// before calls fn before the next commit of a key.
func (m *racingBackend) before(fn func()) { m.fn.Store(&fn) }

// withRacingBackend puts a racingBackend and a stoppingBackend before the Backend of the service.
func (l *clockedService) withRacingBackend(t *testing.T) (*racingBackend, *stoppingBackend) {
	t.Helper()
	l.end(t)
	stops := &stoppingBackend{Backend: l.backend, left: 1 << 30}
	m := &racingBackend{Backend: stops}
	l.backend = m
	l.restart(t)
	l.Service.ChangeAtOnce()
	return m, stops
}

// If a replica is added after material was sealed for some Regions, the rotation is not carried
// out and leaves no slots.
func TestRotationMeetsReplication(t *testing.T) {
	l := newClockedService(t)
	counted := l.countSlots(t)
	id := l.family(t)
	m, _ := l.withRacingBackend(t)
	m.before(func() {
		must[any](t)(do(l.Service, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: &id, ReplicaRegion: new("us-east-1")}))
	})
	rotate := func() error {
		_, err := do(l.Service, "RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &id})
		return err
	}
	wantKind(t, rotate(), key.KindThrottling)
	if n := counted.count(); n != 3 {
		t.Errorf("%d slots of three keys", n)
	}
	if err := rotate(); err != nil {
		t.Error(err)
	}
	l.end(t)
	l.wantSound(t, false)
}

// A rotation that is no longer due leaves no slots.
func TestRotationMeetsItsEnd(t *testing.T) {
	l := newClockedService(t)
	l.countSlots(t)
	id := l.family(t)
	l.enableRotation(t, id, 90)
	m, _ := l.withRacingBackend(t)
	m.before(func() {
		must[any](t)(do(l.Service, "DisableKeyRotation", &api.DisableKeyRotationRequest{KeyId: &id}))
	})
	if err := errors.Join(l.clock.Advance(91*day), l.RotateDue(t.Context())); err != nil {
		t.Error(err)
	}
	l.end(t)
	l.wantSound(t, false)
}

// Material that becomes pending in the primary key during a replication is pending in the
// replica.
func TestReplicationMeetsNewMaterial(t *testing.T) {
	l := newClockedService(t)
	l.countSlots(t)
	b := newRegionsWalk(t, &l)
	m, _ := l.withRacingBackend(t)
	m.before(func() {
		if err := b.bring("eu-west-2", 1, new("NEW_KEY_MATERIAL")); err != nil {
			t.Error(err)
		}
	})
	must[any](t)(do(l.Service, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: &b.id, ReplicaRegion: new("us-west-2")}))
	if here, there := l.materialsIn(t, "eu-west-2", b.id), l.materialsIn(t, "us-west-2", b.id); len(here) != 2 || !slices.Equal(here, there) {
		t.Errorf("materials %q and %q", here, there)
	}
	l.end(t)
	l.wantSound(t, false)
}

// A request that began before a replica was gone changes nothing of it after the sweep has
// removed the replica.
func TestRotationMeetsTheEndOfAReplica(t *testing.T) {
	for commits := range 4 { // number of commits before the sweep is stopped
		t.Run(fmt.Sprint(commits), func(t *testing.T) {
			l := newClockedService(t)
			l.countSlots(t)
			id := l.family(t)
			m, stops := l.withRacingBackend(t)
			l.schedule(t, id, tokyo)
			m.before(func() {
				if err := l.clock.Advance(7*day + time.Second); err != nil {
					t.Error(err)
				}
				stops.after(commits)
				_ = l.Sweep(t.Context()) // is stopped in most cases
				stops.after(1 << 30)
			})
			_, err := do(l.Service, "RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &id})
			if _, refused := errors.AsType[*key.Error](err); err != nil && !refused {
				t.Error(err)
			}
			l.log.Close()
			l.Service.Close()
			l.restart(t)
			for l.Sweep(t.Context()) != nil { // while the other sweep runs
			}
			l.end(t)
			l.wantSound(t, false)
		})
	}
}

// fullSlots accept the given number of further secrets.
type fullSlots struct {
	*countedSlots
	left atomic.Int32
}

func (f *fullSlots) Put(ctx context.Context, secret []byte) (string, error) {
	if f.left.Add(-1) < 0 {
		return "", errors.New("the disk is full")
	}
	return f.countedSlots.Put(ctx, secret)
}

// A rotation without enough free slots leaves no slots.
func TestRotationMeetsAFullDisk(t *testing.T) {
	l := newClockedService(t)
	full := &fullSlots{countedSlots: l.countSlots(t)}
	full.left.Store(2)
	l.end(t)
	l.slots = full
	l.restart(t)
	id := l.family(t)
	l.enableRotation(t, id, 90)
	full.left.Store(1)
	if _, err := do(l.Service, "RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &id}); err == nil {
		t.Error("rotated without a slot")
	}
	full.left.Store(1)
	if err := errors.Join(l.clock.Advance(91*day), l.RotateDue(t.Context())); err == nil {
		t.Error("rotated without a slot")
	}
	l.end(t)
	l.wantSound(t, false)
}
