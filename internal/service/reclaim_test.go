package service_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// interruptedSlots call after once, when the next slot was put.
type interruptedSlots struct {
	store.Slots
	mu    sync.Mutex
	after func()
}

func (s *interruptedSlots) Put(ctx context.Context, secret []byte) (string, error) {
	slot, err := s.Slots.Put(ctx, secret)
	s.mu.Lock()
	after := s.after
	s.after = nil
	s.mu.Unlock()
	if after != nil {
		after()
	}
	return slot, err
}

func (s *interruptedSlots) next(after func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.after = after
}

// puttingSlots are the changes that put slots, as functions that make them once more each time.
func puttingSlots(t *testing.T, l *clockedService) map[string]func() error {
	call := func(operation string, in any) error {
		_, err := do(l.Service, operation, in)
		return err
	}
	imported := *must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{Origin: new("EXTERNAL")})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	l.importInto(t, imported, 24*time.Hour)
	parameters := importParameters(t, l, imported)
	family, plain, due := l.family(t), l.createKey(t), l.createKey(t)
	l.enableRotation(t, due, 90)
	replicated := *must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{MultiRegion: new(true)})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	return map[string]func() error{
		"CreateKey":         func() error { return call("CreateKey", &api.CreateKeyRequest{}) },
		"ImportKeyMaterial": func() error { return call("ImportKeyMaterial", parameters) },
		"ReplicateKey": func() error {
			return call("ReplicateKey", &api.ReplicateKeyRequest{KeyId: &replicated, ReplicaRegion: new(tokyo)})
		},
		"RotateKeyOnDemand":                 func() error { return call("RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &plain}) },
		"RotateKeyOnDemand of related keys": func() error { return call("RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &family}) },
		"an automatic rotation":             func() error { return errors.Join(l.clock.Advance(91*day), l.RotateDue(t.Context())) },
		"the seed":                          func() error { _, err := l.applySeed(t, seedText(seedMaterial)); return err },
		"GetParametersForImport in a new hour": func() error {
			if err := l.clock.Advance(time.Hour); err != nil {
				return err
			}
			return call("GetParametersForImport", &api.GetParametersForImportRequest{
				KeyId: &imported, WrappingAlgorithm: new("RSAES_OAEP_SHA_256"), WrappingKeySpec: new("RSA_2048"),
			})
		},
	}
}

// importParameters returns an import of the bytes of importInto.
func importParameters(t *testing.T, l *clockedService, id string) *api.ImportKeyMaterialRequest {
	t.Helper()
	n := clusterNode{Service: l.Service}
	in := must[*api.ImportKeyMaterialRequest](t)(n.importRequest("r", id))
	in.ExpirationModel = nil
	in.ValidTo = api.NewTimestamp(l.clock.Now().Add(24 * time.Hour))
	return in
}

// A round that lists a slot before its change is committed erases the slot, and the change is not made. It can be
// repeated. A round that comes later leaves the slot alone.
func TestRoundsMeetChanges(t *testing.T) {
	for _, name := range []string{"CreateKey", "ImportKeyMaterial", "ReplicateKey", "RotateKeyOnDemand", "RotateKeyOnDemand of related keys",
		"an automatic rotation", "the seed", "GetParametersForImport in a new hour"} {
		t.Run(name, func(t *testing.T) {
			l := newClockedService(t)
			l.end(t)
			slots := &interruptedSlots{Slots: l.slots}
			l.slots = slots
			l.restart(t)
			l.EndSweeper()
			change, blob := puttingSlots(t, &l)[name], l.encrypt(t, l.createKey(t), "x")
			var erased int
			var err error
			slots.next(func() { erased, err = l.ReclaimSlots(t.Context(), service.NoSleep) })
			if made := change(); made == nil {
				t.Error("a change was made whose slot was reclaimed")
			}
			if erased != 1 || err != nil {
				t.Errorf("%d slots were erased, %v", erased, err)
			}
			if err := change(); err != nil {
				t.Errorf("the change cannot be repeated: %v", err)
			}
			if erased, err := l.ReclaimSlots(t.Context(), service.NoSleep); erased != 0 || err != nil {
				t.Errorf("a slot of a refused change was left: %d, %v", erased, err)
			}
			must[any](t)(do(l.Service, "Decrypt", &api.DecryptRequest{CiphertextBlob: blob}))
			l.end(t)
			l.wantSound(t, false)
			events := 0
			for _, e := range readEvents(t, l.path) {
				if e["eventName"] == "ReclaimSlots" && e["serviceEventDetails"].(map[string]any)["slots"] == 1.0 {
					events++
				}
			}
			if events != 1 {
				t.Errorf("%d events", events)
			}
		})
	}
}

// The commit of another node is on its way to the store while a round erases the slots that it names. The commit
// is not made when it arrives.
func TestRoundsMeetLateCommits(t *testing.T) {
	for _, operation := range []string{"CreateKey", "RotateKeyOnDemand"} {
		synctest.Test(t, func(t *testing.T) {
			d := newDeployment()
			d.backend = memory.New()
			f := &storetest.Faulty{Backend: d.backend}
			a, b := must[*clusterNode](t)(d.node(t, "A", f, shared)), must[*clusterNode](t)(d.node(t, "B", d.backend, shared))
			id := *must[any](t)(a.do("", "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse).KeyMetadata.KeyId
			blob := must[any](t)(a.do("", "Encrypt", &api.EncryptRequest{KeyId: &id, Plaintext: []byte("x")})).(*api.EncryptResponse).CiphertextBlob
			late := false
			f.Next = func(batch store.Batch) (storetest.Fault, time.Duration) {
				if carriesEvent(batch) && !late {
					late = true
					f.Cut(true) // so that nobody finds the outcome out
					return storetest.Late, 0
				}
				return storetest.None, 0
			}
			in := map[string]any{"CreateKey": &api.CreateKeyRequest{}, "RotateKeyOnDemand": &api.RotateKeyOnDemandRequest{KeyId: &id}}[operation]
			if _, err := a.do("", operation, in); !errors.Is(err, store.ErrUnknown) || !late {
				t.Errorf("%s: %v", operation, err)
			}
			if erased, err := b.ReclaimSlots(t.Context(), service.NoSleep); erased != 1 || err != nil {
				t.Errorf("%s: %d slots were erased, %v", operation, erased, err)
			}
			f.Cut(false)
			if made, err := f.Release(t.Context()); made != 0 || err != nil {
				t.Errorf("%s: %d late commits were made, %v", operation, made, err)
			}
			time.Sleep(10 * time.Second)
			must[any](t)(a.do("", "Decrypt", &api.DecryptRequest{CiphertextBlob: blob}))
			must[any](t)(a.do("", operation, in)) // the node goes on
			a.close()
			b.close()
			d.verify(t)
		})
	}
}

// The slot of a change whose commit comes late is kept, if the commit came before the round.
func TestRoundsKeepSlotsOfUnknownOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment()
		d.backend = memory.New()
		f := &storetest.Faulty{Backend: d.backend}
		a, b := must[*clusterNode](t)(d.node(t, "A", f, shared)), must[*clusterNode](t)(d.node(t, "B", d.backend, shared))
		id := *must[any](t)(a.do("", "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse).KeyMetadata.KeyId
		once := false
		f.Next = func(batch store.Batch) (storetest.Fault, time.Duration) {
			if carriesEvent(batch) && !once {
				once = true
				f.Cut(true)
				return storetest.Late, 0
			}
			return storetest.None, 0
		}
		if _, err := a.do("", "RotateKeyOnDemand", &api.RotateKeyOnDemandRequest{KeyId: &id}); !errors.Is(err, store.ErrUnknown) {
			t.Error(err)
		}
		if made, err := f.Release(t.Context()); made != 1 || err != nil {
			t.Errorf("%d late commits were made, %v", made, err)
		}
		if erased, err := b.ReclaimSlots(t.Context(), service.NoSleep); erased != 0 || err != nil {
			t.Errorf("%d slots were erased, %v", erased, err)
		}
		f.Cut(false)
		time.Sleep(10 * time.Second)
		must[any](t)(a.do("", "Encrypt", &api.EncryptRequest{KeyId: &id, Plaintext: []byte("x")}))
		a.close()
		b.close()
		d.verify(t)
	})
}

// One of several nodes carries out the round after the start, also when the node that did so before has died.
func TestRoundsOfNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment()
		d.backend = memory.New()
		dead := ""
		for range 2 {
			nodes := map[string]*clusterNode{}
			for _, id := range []string{"A", "B", "C"} {
				if id != dead {
					nodes[id] = must[*clusterNode](t)(d.node(t, id, d.backend, shared))
				}
			}
			for range 3 {
				must[string](t)(d.slots.Put(t.Context(), make([]byte, store.SlotSize)))
			}
			time.Sleep(15 * time.Minute)
			events := 0
			for id, n := range nodes {
				n.close()
				if found := strings.Count(string(n.events.text), `"eventName":"ReclaimSlots"`); found > 0 {
					events, dead = events+found, id
				}
			}
			if events != 1 {
				t.Errorf("%d events", events)
			}
		}
	})
}

// Slots that are unlikely many are erased if the operator names their number, and then they have their events.
func TestManySlotsAreReclaimedOnRequest(t *testing.T) {
	d := newDeployment()
	a := must[*clusterNode](t)(d.node(t, "A", d.backend))
	for range 1100 {
		must[string](t)(d.slots.Put(t.Context(), make([]byte, store.SlotSize)))
	}
	if erased, err := a.ReclaimSlots(t.Context(), service.NoSleep); erased != 0 || err == nil {
		t.Errorf("without a request, %d slots were erased, %v", erased, err)
	}
	a.close()
	a = must[*clusterNode](t)(d.node(t, "A", d.backend, func(c *service.Config) { c.ReclaimSlots = 1100 }))
	if erased, err := a.ReclaimSlots(t.Context(), service.NoSleep); erased != 1100 || err != nil {
		t.Errorf("%d slots were erased, %v", erased, err)
	}
	a.close()
	for _, part := range []string{`"eventName":"ReclaimSlots"`, `{"slots":1000}`, `{"slots":100}`} {
		if !strings.Contains(string(a.events.text), part) {
			t.Errorf("the log lacks %s:\n%s", part, a.events.text)
		}
	}
}
