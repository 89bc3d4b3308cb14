package service_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// countSlots counts the slots from now on.
func (l *clockedService) countSlots(t *testing.T) *countedSlots {
	t.Helper()
	counted := &countedSlots{Slots: l.slots, live: map[string]bool{}}
	l.end(t)
	l.slots = counted
	l.restart(t)
	return counted
}

// wantSound runs Verify on an ended deployment. There must not be any finding. Slots that no record names are allowed
// only after a stop.
func (l *clockedService) wantSound(t *testing.T, orphans bool) {
	t.Helper()
	log := must[*os.File](t)(os.Open(l.path))
	defer log.Close()
	size := must[os.FileInfo](t)(log.Stat()).Size()
	s, err := integrity.Verify(t.Context(), integrity.Remains{Backend: l.backend, Slots: l.slots, Root: l.root, Log: io.NewSectionReader(log, 0, size)},
		func(f integrity.Finding) { t.Errorf("found %s", f) })
	if err != nil {
		t.Error(err)
	}
	if notes := strings.Join(s.Notes, "\n"); strings.Contains(notes, "slots are in use that no record names") != orphans {
		t.Errorf("notes %q", notes)
	}
}

func (l *clockedService) materialsIn(t *testing.T, region, id string) (ids []string) {
	t.Helper()
	all := must[any](t)(doIn(l.Service, region, "ListKeyRotations", &api.ListKeyRotationsRequest{KeyId: &id, IncludeKeyMaterial: new("ALL_KEY_MATERIAL")})).(*api.ListKeyRotationsResponse)
	for _, m := range all.Rotations {
		ids = append(ids, *m.KeyMaterialId)
	}
	return ids
}

// A key with the maximum number of replicas is rotated with them in one transaction, with one
// event.
func TestMostReplicasAreRotated(t *testing.T) {
	l := newClockedService(t)
	counted := l.countSlots(t)
	id := *must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{MultiRegion: new(true)})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	l.enableRotation(t, id, 90)
	for i := range key.MaxReplicas {
		must[any](t)(do(l.Service, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: &id, ReplicaRegion: new(fmt.Sprintf("xx-yy-%d", i))}))
	}
	l.sweepAfter(t, 90*day+time.Second)
	must[any](t)(do(l.Service, "RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &id}))
	want := l.materialsIn(t, "eu-west-2", id)
	for i := range key.MaxReplicas {
		if got := l.materialsIn(t, fmt.Sprintf("xx-yy-%d", i), id); len(got) != 3 || !slices.Equal(got, want) {
			t.Errorf("materials %q, want %q", got, want)
		}
	}
	if n := counted.count(); n != 3*(key.MaxReplicas+1) {
		t.Errorf("%d slots", n)
	}
	l.end(t)
	rotations := 0
	l.wantSound(t, false)
	for _, e := range readEvents(t, l.path) {
		if all, _ := e["resources"].([]any); e["eventName"] == "RotateKey" {
			if rotations++; len(all) != key.MaxReplicas+1 {
				t.Errorf("%s names %d keys", e["eventID"], len(all))
			}
		}
	}
	if rotations != 2 {
		t.Errorf("%d rotations in the log", rotations)
	}
}

// An uncertain Backend fails permanently at the next commit with an event while it is on. This commit
// may or may not happen. Commits of the background before it are made: they remove events, for example.
type uncertain struct {
	store.Backend
	on, persists, failed atomic.Bool
}

func (u *uncertain) Commit(ctx context.Context, b store.Batch) (int64, error) {
	if !u.on.Load() || !u.failed.Load() && !carriesEvent(b) {
		return u.Backend.Commit(ctx, b)
	}
	u.failed.Store(true)
	if u.persists.Swap(false) {
		if _, err := u.Backend.Commit(ctx, b); err != nil {
			return 0, err
		}
	}
	return 0, store.ErrFailed
}

// After a stop during a rotation, either all related keys are rotated or none. Copies of material
// that were not committed open nothing. The next sweep continues.
func TestRotationOfRelatedKeysAfterAStop(t *testing.T) {
	for name, persists := range map[string]bool{"before the commit": false, "after the commit": true} {
		for _, operation := range []string{"the sweep", "RotateKeyOnDemand"} {
			t.Run(operation+", "+name, func(t *testing.T) {
				l := newClockedService(t)
				l.countSlots(t)
				id := l.family(t)
				l.enableRotation(t, id, 90)
				backend := &uncertain{Backend: l.backend}
				l.end(t)
				l.backend = backend
				l.restart(t)
				blob := l.encrypt(t, id, "x")
				backend.persists.Store(persists)
				backend.on.Store(true)
				var err error
				if operation == "the sweep" {
					err = errors.Join(l.clock.Advance(91*day), l.RotateDue(t.Context()))
				} else {
					_, err = do(l.Service, operation, &api.RotateKeyOnDemandRequest{KeyId: &id})
				}
				if err == nil && operation != "the sweep" { // the background sweeper runs too
					t.Error("a rotation whose outcome is unknown is acknowledged")
				}
				l.log.Close()
				l.Service.Close()
				l.backend = backend.Backend
				materials := 1
				if persists {
					materials = 2
				}
				l.wantSound(t, !persists)
				l.restart(t)
				l.sweepAfter(t, 91*day)
				if here, there := l.materialsIn(t, "eu-west-2", id), l.materialsIn(t, tokyo, id); !slices.Equal(here, there) || len(here) <= materials {
					t.Errorf("materials %q and %q", here, there)
				}
				must[any](t)(doIn(l.Service, tokyo, "Decrypt", &api.DecryptRequest{CiphertextBlob: blob}))
				l.end(t)
				l.wantSound(t, !persists)
			})
		}
	}
}

// A rotation that conflicts with another change leaves no copy of its material.
func TestRotationOfRelatedKeysThatConflicts(t *testing.T) {
	l := newClockedService(t)
	counted := l.countSlots(t)
	id := l.family(t)
	l.enableRotation(t, id, 90)
	l.end(t)
	backend := &conflictingBackend{Backend: l.backend}
	l.backend = backend
	l.restart(t)
	backend.on.Store(true)
	_, err := do(l.Service, "RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &id})
	wantKind(t, err, key.KindThrottling)
	if err := errors.Join(l.clock.Advance(91*day), l.RotateDue(t.Context())); err == nil {
		t.Error("a rotation that was not committed reports success")
	}
	backend.on.Store(false)
	l.sweepAfter(t, 0)
	l.end(t)
	if n := counted.count(); n != 4 {
		t.Errorf("%d slots of two keys with two materials", n)
	}
	l.wantSound(t, false)
}

// A regionsWalk imports a few materials repeatedly into the keys of one ID in several Regions,
// because an import token may be used more than once.
type regionsWalk struct {
	*clockedService
	t        *testing.T
	id       string
	regions  []string
	requests map[string][]api.ImportKeyMaterialRequest // by Region, for each material
}

func newRegionsWalk(t *testing.T, l *clockedService) *regionsWalk {
	t.Helper()
	b := &regionsWalk{clockedService: l, t: t, regions: []string{"eu-west-2", tokyo, "us-east-1"}, requests: map[string][]api.ImportKeyMaterialRequest{}}
	b.id = *must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{MultiRegion: new(true), Origin: new("EXTERNAL")})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	materials := [][]byte{newMaterial(), newMaterial(), newMaterial(), newMaterial()}
	for i, region := range b.regions {
		if i > 0 {
			must[any](t)(do(l.Service, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: &b.id, ReplicaRegion: &region}))
		}
		p := must[any](t)(doIn(l.Service, region, "GetParametersForImport", &api.GetParametersForImportRequest{
			KeyId: &b.id, WrappingAlgorithm: new("RSAES_OAEP_SHA_256"), WrappingKeySpec: new("RSA_2048"),
		})).(*api.GetParametersForImportResponse)
		public := must[any](t)(x509.ParsePKIXPublicKey(p.PublicKey)).(*rsa.PublicKey)
		for _, m := range materials {
			b.requests[region] = append(b.requests[region], api.ImportKeyMaterialRequest{
				KeyId: &b.id, ImportToken: p.ImportToken, EncryptedKeyMaterial: must[[]byte](t)(rsa.EncryptOAEP(sha256.New(), rand.Reader, public, m, nil)),
			})
		}
		first := b.requests[region][0]
		first.ExpirationModel = new("KEY_MATERIAL_DOES_NOT_EXPIRE")
		must[any](t)(doIn(l.Service, region, "ImportKeyMaterial", &first))
	}
	return b
}

// ask makes a request, which may be refused.
func (b *regionsWalk) ask(region, operation string, in any) (any, error) {
	out, err := doIn(b.Service, region, operation, in)
	if _, refused := errors.AsType[*key.Error](err); err != nil && !refused {
		b.t.Errorf("%s: %v", operation, err)
	}
	return out, err
}

// steps are what a regionsWalk does with the key of some Region, each as often as it is named.
var steps = map[string]func(b *regionsWalk, region string) error{
	"import":          (*regionsWalk).importSome,
	"import again":    (*regionsWalk).importSome,
	"import in all":   (*regionsWalk).importIntoAll,
	"rotate":          (*regionsWalk).rotate,
	"rotate or so":    (*regionsWalk).rotate,
	"delete":          (*regionsWalk).delete,
	"move":            (*regionsWalk).move,
	"move once more":  (*regionsWalk).move,
	"doom":            (*regionsWalk).scheduleDeletion,
	"let time go by":  (*regionsWalk).wait,
	"let it go again": (*regionsWalk).wait,
}

func (b *regionsWalk) importSome(region string) error {
	return b.bring(region, mathrand.IntN(4), []*string{nil, new("NEW_KEY_MATERIAL")}[mathrand.IntN(2)])
}

func (b *regionsWalk) bring(region string, n int, importType *string) error {
	in := b.requests[region][n]
	in.ImportType, in.ValidTo = importType, api.NewTimestamp(b.clock.Now().Add(time.Duration(1+mathrand.IntN(120))*time.Minute))
	_, err := b.ask(region, "ImportKeyMaterial", &in)
	return err
}

// importIntoAll imports everything that a rotation needs, and restores lost material.
func (b *regionsWalk) importIntoAll(string) (err error) {
	n := mathrand.IntN(4)
	for _, region := range b.regions {
		err = errors.Join(err, b.bring(region, n, new("NEW_KEY_MATERIAL")))
	}
	for _, region := range b.regions {
		for n := range 4 {
			err = errors.Join(err, b.bring(region, n, nil))
		}
	}
	return err
}

func (b *regionsWalk) rotate(region string) error {
	_, err := b.ask(region, "RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &b.id})
	return err
}

func (b *regionsWalk) delete(region string) error {
	all, err := b.ask(region, "ListKeyRotations", &api.ListKeyRotationsRequest{KeyId: &b.id, IncludeKeyMaterial: new("ALL_KEY_MATERIAL")})
	if err != nil {
		return err
	}
	rotations := all.(*api.ListKeyRotationsResponse).Rotations
	_, err = b.ask(region, "DeleteImportedKeyMaterial", &api.DeleteImportedKeyMaterialRequest{KeyId: &b.id, KeyMaterialId: rotations[len(rotations)-1].KeyMaterialId})
	return err
}

func (b *regionsWalk) move(region string) error {
	_, err := b.ask(region, "UpdatePrimaryRegion", &api.UpdatePrimaryRegionRequest{KeyId: &b.id, PrimaryRegion: &b.regions[mathrand.IntN(3)]})
	return err
}

// scheduleDeletion schedules the deletion of the key in a Region, rotates a key, and cancels the deletion.
func (b *regionsWalk) scheduleDeletion(region string) error {
	_, err := b.ask(region, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &b.id})
	if err != nil {
		return err
	}
	err = b.rotate(b.regions[mathrand.IntN(3)])
	_, cancelled := b.ask(region, "CancelKeyDeletion", &api.CancelKeyDeletionRequest{KeyId: &b.id})
	_, enabled := b.ask(region, "EnableKey", &api.EnableKeyRequest{KeyId: &b.id})
	return errors.Join(err, cancelled, enabled)
}

// wait moves the clock and sweeps. The sweep leaves a key that another request is changing for
// the next sweep.
func (b *regionsWalk) wait(string) error {
	return errors.Join(b.clock.Advance(time.Minute), b.Sweep(context.Background()))
}

// After concurrent operations on related keys with imported material, during which materials
// expire, the keys agree, and no slot of removed material is left.
func TestRelatedKeysStayRelated(t *testing.T) {
	l := newClockedService(t)
	l.countSlots(t)
	b := newRegionsWalk(t, &l)
	names := slices.Collect(maps.Keys(steps))
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			for range 100 {
				steps[names[mathrand.IntN(len(names))]](b, b.regions[mathrand.IntN(3)])
			}
		})
	}
	wg.Wait()
	materials := 0
	for _, region := range b.regions {
		materials = max(materials, len(l.materialsIn(t, region, b.id)))
	}
	if materials < 2 {
		t.Error("the keys were never rotated")
	}
	l.end(t)
	l.wantSound(t, false)
}
