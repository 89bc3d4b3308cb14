package service_test

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
)

// A clockedService is a Service whose clock the test moves, over a deployment whose
// records the test can look at.
type clockedService struct {
	*service.Service
	deployment
	clock *service.Clock
	log   *audit.Log
	path  string // of the log
	full  func() error
}

func newClockedService(t *testing.T) clockedService {
	t.Helper()
	l := clockedService{deployment: newDeployment(), path: filepath.Join(t.TempDir(), "audit.log")}
	l.restart(t)
	return l
}

// restart opens the service again. The previous one, if any, must have ended.
func (l *clockedService) restart(t *testing.T) {
	t.Helper()
	offset := time.Duration(0)
	if l.clock != nil {
		offset = time.Until(l.clock.Now())
	}
	l.clock = service.NewClock(time.Now)
	l.log = openLog(t, l.path)
	if err := l.clock.Advance(max(offset, 0)); err != nil {
		t.Fatal(err)
	}
	l.Service = must[*service.Service](t)(service.Open(t.Context(), service.Config{
		Backend: l.backend, Slots: l.slots, Root: l.root, Audit: l.log, Clock: l.clock, Log: slog.New(slog.DiscardHandler), Create: true, Full: l.full,
	}))
}

func (l *clockedService) end(t *testing.T) {
	t.Helper()
	if err := errors.Join(l.log.Close(), l.Service.Close()); err != nil {
		t.Fatal(err)
	}
}

func (l *clockedService) sweepAfter(t *testing.T, d time.Duration) {
	t.Helper()
	if err := l.clock.Advance(d); err != nil {
		t.Fatal(err)
	}
	if err := l.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// paths returns the paths of all records except temporary ones.
func (l *clockedService) paths(t *testing.T) (paths []string) {
	t.Helper()
	err := l.backend.View(t.Context(), func(r store.Reader) error {
		items, err := r.Scan(nil, nil, 10000)
		for _, i := range items {
			path := string(i.Key)
			if !strings.HasPrefix(path, "outbox/") && !strings.HasPrefix(path, "erase/") && !strings.HasPrefix(path, "token-keys/") {
				paths = append(paths, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func (l *clockedService) createKey(t *testing.T) string {
	t.Helper()
	out := must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse)
	return *out.KeyMetadata.KeyId
}

func TestSweepRemovesKeys(t *testing.T) {
	l := newClockedService(t)
	before := l.paths(t)
	gone, kept := l.createKey(t), l.createKey(t)
	for i := range 50 {
		must[any](t)(do(l.Service, "CreateAlias", &api.CreateAliasRequest{AliasName: new(fmt.Sprintf("alias/%d", i)), TargetKeyId: &gone}))
	}
	must[any](t)(do(l.Service, "CreateAlias", &api.CreateAliasRequest{AliasName: new("alias/kept"), TargetKeyId: &kept}))
	must[any](t)(do(l.Service, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &gone, PendingWindowInDays: new(int32(7))}))

	l.sweepAfter(t, 7*day-time.Minute)
	if got := l.paths(t); !slices.ContainsFunc(got, func(p string) bool { return strings.HasSuffix(p, "/"+gone) }) {
		t.Error("the key was removed before its time")
	}
	l.sweepAfter(t, time.Minute+time.Second)
	for _, p := range l.paths(t) {
		if strings.Contains(p, gone) || strings.HasPrefix(p, "due/") {
			t.Fatalf("%s is left", p)
		}
	}
	// The kept key, its alias, the index and the guard are left.
	if got, want := len(l.paths(t)), len(before)+4; got != want {
		t.Errorf("%d records are left, want %d", got, want)
	}
	l.end(t)
	wantOneEvent(t, l.path, "DeleteKey", gone)
}

func wantOneEvent(t *testing.T, log, name, keyID string) {
	t.Helper()
	n := 0
	for _, e := range readEvents(t, log) {
		if e["eventName"] == name && strings.Contains(fmt.Sprint(e["resources"]), keyID) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d events %s", n, name)
	}
}

// sweepDespiteStops sweeps, eight days later each time, with a stop after the first commit, after
// the second and so on, until a sweep completes.
func (l *clockedService) sweepDespiteStops(t *testing.T, done func() bool) {
	t.Helper()
	for commits := 1; ; commits++ {
		l.backend = &stoppingBackend{Backend: l.backend, left: 1 << 30}
		l.restart(t)
		l.backend.(*stoppingBackend).after(commits)
		if err := l.clock.Advance(8 * day); err != nil {
			t.Fatal(err)
		}
		err := l.Sweep(t.Context())
		l.log.Close()
		l.Service.Close() // cannot remove leftovers: the store is closed
		l.backend = l.backend.(*stoppingBackend).Backend
		if err == nil && done() {
			return
		}
		if commits > 20 {
			t.Fatal(err, l.paths(t))
		}
	}
}

// After a stop during a removal, the next sweep completes the removal.
func TestSweepGoesOn(t *testing.T) {
	l := newClockedService(t)
	before := l.paths(t)
	id := l.createKey(t)
	for i := range 60 {
		l.grant(t, id, fmt.Sprint("grant", i))
	}
	for i := range 50 {
		must[any](t)(do(l.Service, "CreateAlias", &api.CreateAliasRequest{AliasName: new(fmt.Sprintf("alias/%d", i)), TargetKeyId: &id}))
	}
	must[any](t)(do(l.Service, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &id, PendingWindowInDays: new(int32(7))}))
	l.end(t)
	l.sweepDespiteStops(t, func() bool { return true })
	l.restart(t)
	l.end(t)
	if got := l.paths(t); !slices.Equal(got, before) {
		t.Errorf("left are %d records", len(got))
	}
	wantOneEvent(t, l.path, "DeleteKey", id)
}

// After DeleteImportedKeyMaterial, expiry and key deletion, the slot of the material is erased:
// the sealed record of the material does not open with any key.
func TestErasure(t *testing.T) {
	for name, lose := range map[string]func(t *testing.T, l *clockedService, id string){
		"deletion": func(t *testing.T, l *clockedService, id string) {
			must[any](t)(do(l.Service, "DeleteImportedKeyMaterial", &api.DeleteImportedKeyMaterialRequest{KeyId: &id}))
		},
		"expiry":       func(t *testing.T, l *clockedService, id string) { l.sweepAfter(t, 10*day+time.Second) },
		"another date": func(t *testing.T, l *clockedService, id string) { l.importInto(t, id, 20*day) },
		"key deletion": func(t *testing.T, l *clockedService, id string) {
			must[any](t)(do(l.Service, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &id, PendingWindowInDays: new(int32(7))}))
			l.sweepAfter(t, 7*day+time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newClockedService(t)
			counted := &countedSlots{Slots: l.slots, live: map[string]bool{}}
			l.end(t)
			l.slots = counted
			l.restart(t)
			id := *must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{Origin: new("EXTERNAL")})).(*api.CreateKeyResponse).KeyMetadata.KeyId
			l.importInto(t, id, 10*day)
			slot := counted.last()
			lose(t, &l, id)
			if counted.has(slot) {
				t.Error("the slot of the lost material is there")
			}
			l.sweepAfter(t, 27*time.Hour) // and the slot of the token key, after its time
			l.sweepAfter(t, 365*day)
			if n := counted.count(); n != 0 {
				t.Errorf("%d slots are there at the end", n)
			}
			l.end(t)
		})
	}
}

// After a stop before an erasure, the next start carries out the erasure.
func TestErasureAfterAStop(t *testing.T) {
	l := newClockedService(t)
	counted := &countedSlots{Slots: l.slots, live: map[string]bool{}}
	l.end(t)
	l.slots = counted
	l.restart(t)
	id := *must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{Origin: new("EXTERNAL")})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	l.importInto(t, id, 10*day)
	slot := counted.last()
	counted.stop()
	if _, err := do(l.Service, "DeleteImportedKeyMaterial", &api.DeleteImportedKeyMaterialRequest{KeyId: &id}); err == nil {
		t.Error("a deletion was acknowledged whose material is not erased")
	}
	if !counted.has(slot) {
		t.Fatal("the slot was erased all the same")
	}
	l.end(t)
	counted.start()
	l.restart(t)
	if counted.has(slot) {
		t.Error("the next start did not erase the slot")
	}
	state := must[any](t)(do(l.Service, "DescribeKey", &api.DescribeKeyRequest{KeyId: &id})).(*api.DescribeKeyResponse).KeyMetadata.KeyState
	if *state != "PendingImport" {
		t.Errorf("the key is %s", *state)
	}
	l.end(t)
}

// A store that was restored from a copy is refused.
func TestOlderStoreIsRefused(t *testing.T) {
	l := newClockedService(t)
	old := snapshot(t, l.backend)
	l.createKey(t)
	l.end(t)
	l.backend = old
	log := openLog(t, l.path)
	defer log.Close()
	_, err := service.Open(t.Context(), service.Config{
		Backend: l.backend, Slots: l.slots, Root: l.root, Audit: log, Clock: l.clock, Log: slog.New(slog.DiscardHandler),
	})
	if !errors.Is(err, journal.ErrOlderStore) {
		t.Errorf("the older store: %v", err)
	}
}
