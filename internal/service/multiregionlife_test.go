package service_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/service"
)

const tokyo = "ap-northeast-1"

// doIn is do in the given Region.
func doIn(s *service.Service, region, operation string, in any) (any, error) {
	op, _ := s.Find(operation)
	return s.Do(context.Background(), service.Request{ID: "request-1", Caller: identity.Caller{Principal: identity.Root("111122223333"), Region: region}, Operation: op, Input: in})
}

// family returns a primary key in eu-west-2 with a replica in Tokyo.
func (l *clockedService) family(t *testing.T) string {
	t.Helper()
	id := *must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{MultiRegion: new(true)})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	l.replicate(t, id)
	return id
}

func (l *clockedService) replicate(t *testing.T, id string) {
	t.Helper()
	must[any](t)(do(l.Service, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: &id, ReplicaRegion: new(tokyo)}))
}

func (l *clockedService) schedule(t *testing.T, id, region string) {
	t.Helper()
	must[any](t)(doIn(l.Service, region, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &id, PendingWindowInDays: new(int32(7))}))
}

// After the sweep has removed a replica that is gone, the replica can be created again. It has
// nothing of the old one.
func TestReplicaAgain(t *testing.T) {
	l := newClockedService(t)
	id := l.family(t)
	must[any](t)(doIn(l.Service, tokyo, "CreateAlias", &api.CreateAliasRequest{AliasName: new("alias/a"), TargetKeyId: &id}))
	must[any](t)(doIn(l.Service, tokyo, "CreateGrant", &api.CreateGrantRequest{KeyId: &id, GranteePrincipal: new(rootARN), Operations: []string{"Decrypt"}}))
	l.schedule(t, id, tokyo)
	l.sweepAfter(t, 7*day+time.Second)
	if paths := l.paths(t); slices.ContainsFunc(paths, func(p string) bool { return strings.Contains(p, tokyo) || strings.HasPrefix(p, "due/") }) {
		t.Errorf("left are %q", paths)
	}
	l.replicate(t, id)
	aliases := must[any](t)(doIn(l.Service, tokyo, "ListAliases", &api.ListAliasesRequest{KeyId: &id})).(*api.ListAliasesResponse)
	grants := must[any](t)(doIn(l.Service, tokyo, "ListGrants", &api.ListGrantsRequest{KeyId: &id})).(*api.ListGrantsResponse)
	if len(aliases.Aliases)+len(grants.Grants) > 0 {
		t.Errorf("the new replica has %v, %v", aliases.Aliases, grants.Grants)
	}
	l.end(t)
	wantOneEvent(t, l.path, "DeleteKey", tokyo)
	wantOneEvent(t, l.path, "SynchronizeMultiRegionKey", id)
}

// After a stop during the removal of related keys, the next sweep completes the removal.
func TestEndOfRelatedKeysGoesOn(t *testing.T) {
	l := newClockedService(t)
	before := l.paths(t)
	id := l.family(t)
	l.schedule(t, id, "eu-west-2")
	l.schedule(t, id, tokyo)
	l.end(t)
	l.sweepDespiteStops(t, func() bool { return len(l.paths(t)) == len(before) })
	l.restart(t)
	l.end(t)
	if got := l.paths(t); !slices.Equal(got, before) {
		t.Errorf("left are %q", got)
	}
}

// Every copy of material has a slot of its own, which is erased with its key. A replica that is
// not committed leaves no slot.
func TestSlotsOfReplicas(t *testing.T) {
	l := newClockedService(t)
	counted := &countedSlots{Slots: l.slots, live: map[string]bool{}}
	l.end(t)
	l.slots = counted
	l.restart(t)
	id := l.family(t)
	if n := counted.count(); n != 2 {
		t.Errorf("%d slots of two keys", n)
	}
	if _, err := do(l.Service, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: &id, ReplicaRegion: new(tokyo)}); err == nil {
		t.Error("a second replica in one Region")
	}
	l.schedule(t, id, tokyo)
	l.sweepAfter(t, 7*day+time.Second)
	if n := counted.count(); n != 1 {
		t.Errorf("%d slots of one key", n)
	}
	blob := must[any](t)(do(l.Service, "Encrypt", &api.EncryptRequest{KeyId: &id, Plaintext: []byte("x")})).(*api.EncryptResponse).CiphertextBlob
	must[any](t)(do(l.Service, "Decrypt", &api.DecryptRequest{CiphertextBlob: blob}))

	// The slots of a replica are erased when its commit fails.
	l.end(t)
	l.backend = &conflictingBackend{Backend: l.backend}
	l.restart(t)
	l.backend.(*conflictingBackend).on.Store(true)
	_, err := do(l.Service, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: &id, ReplicaRegion: new(tokyo)})
	l.backend.(*conflictingBackend).on.Store(false)
	if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind != key.KindThrottling {
		t.Errorf("without a commit: %v", err)
	}
	if n := counted.count(); n != 1 {
		t.Errorf("%d slots of one key and a replica that came to nothing", n)
	}
	l.end(t)
}

// A key can be replicated only into served Regions.
func TestRegionsThatAreServed(t *testing.T) {
	d := newDeployment()
	log := audit.New(audit.Discard{}, audit.Options{})
	s := must[*service.Service](t)(service.Open(t.Context(), service.Config{
		Backend: d.backend, Slots: d.slots, Root: d.root, Audit: log, Clock: service.NewClock(time.Now), Log: slog.New(slog.DiscardHandler), Create: true,
	}))
	must[[]string](t)(s.ServeRegions(t.Context(), []string{"eu-west-2", tokyo}))
	defer func() {
		if err := errors.Join(log.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	}()
	id := must[any](t)(do(s, "CreateKey", &api.CreateKeyRequest{MultiRegion: new(true)})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	_, err := do(s, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: id, ReplicaRegion: new("us-east-1")})
	if e, ok := errors.AsType[*key.Error](err); !ok || e.Kind != key.KindUnsupportedOperation || !strings.Contains(e.Message, "us-east-1") {
		t.Errorf("%v", err)
	}
	must[any](t)(do(s, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: id, ReplicaRegion: new(tokyo)}))
}

// A key with the maximum number of replicas can change its primary key in one transaction, with
// any number of due changes.
func TestMostReplicas(t *testing.T) {
	l := newClockedService(t)
	id := *must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{MultiRegion: new(true)})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	region := func(i int) string { return fmt.Sprintf("xx-yy-%d", i) }
	for i := range key.MaxReplicas {
		must[any](t)(do(l.Service, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: &id, ReplicaRegion: new(region(i))}))
	}
	_, err := do(l.Service, "ReplicateKey", &api.ReplicateKeyRequest{KeyId: &id, ReplicaRegion: new(tokyo)})
	wantKind(t, err, key.KindLimitExceeded)
	for i := range key.MaxReplicas - 1 {
		l.schedule(t, id, region(i+1))
	}
	must[any](t)(do(l.Service, "UpdatePrimaryRegion", &api.UpdatePrimaryRegionRequest{KeyId: &id, PrimaryRegion: new(region(0))}))
	for i := range 2 { // of a replica, and of the primary key itself
		m := must[any](t)(doIn(l.Service, region(i), "DescribeKey", &api.DescribeKeyRequest{KeyId: &id})).(*api.DescribeKeyResponse).KeyMetadata
		if c := m.MultiRegionConfiguration; *c.PrimaryKey.Region != region(0) || len(c.ReplicaKeys) != key.MaxReplicas {
			t.Errorf("%+v", c)
		}
	}
	l.sweepAfter(t, 7*day+time.Second)
	m := must[any](t)(do(l.Service, "DescribeKey", &api.DescribeKeyRequest{KeyId: &id})).(*api.DescribeKeyResponse).KeyMetadata
	if c := m.MultiRegionConfiguration; len(c.ReplicaKeys) != 1 {
		t.Errorf("%+v", c)
	}
	l.end(t)
}
