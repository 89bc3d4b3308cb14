package service_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// carriesEvent reports whether a batch writes an event.
func carriesEvent(b store.Batch) bool {
	for _, w := range b.Writes {
		if strings.HasPrefix(string(w.Key), "outbox/") && w.Value != nil {
			return true
		}
	}
	return false
}

// Each commit of the sweep runs twice, because the outcome of the first one is unknown: it was made, or it comes
// late. The sweep removes a key with all that belongs to it, and nothing else.
func TestSweepAfterUnknownOutcomes(t *testing.T) {
	for _, fault := range []storetest.Fault{storetest.Silent, storetest.Late} {
		l := newClockedService(t)
		gone, kept := l.createKey(t), l.createKey(t)
		for i := range 30 {
			l.grantTo(t, gone, strings.Repeat("n", i+1), "app")
		}
		must[any](t)(do(l.Service, "CreateAlias", &api.CreateAliasRequest{AliasName: new("alias/gone"), TargetKeyId: &gone}))
		l.grant(t, kept, "kept")
		must[any](t)(do(l.Service, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &gone, PendingWindowInDays: new(int32(7))}))
		l.end(t)
		f, before := &storetest.Faulty{Backend: l.backend}, l.backend
		last := store.Batch{}
		f.Next = func(b store.Batch) (storetest.Fault, time.Duration) {
			again := len(b.Writes) == len(last.Writes) && string(b.Writes[0].Key) == string(last.Writes[0].Key)
			if last = b; again || carriesEvent(b) {
				return storetest.None, 0
			}
			return fault, 0
		}
		l.backend = f
		l.restart(t)
		l.sweepAfter(t, 7*day+time.Second)
		l.end(t)
		l.backend = before
		made, err := f.Release(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		paths := strings.Join(l.paths(t), "\n")
		if strings.Contains(paths, gone) || !strings.Contains(paths, "key/111122223333/eu-west-2/"+kept) || strings.Count(paths, "\ngrant") != 7 {
			t.Errorf("fault %d: %d commits were late, and left are\n%s", fault, made, paths)
		}
	}
}

// A removal of a key that comes late does not remove a key that was made with the same ID.
func TestRemovalThatIsLate(t *testing.T) {
	l := newClockedService(t)
	f := &storetest.Faulty{Backend: l.backend}
	l.end(t)
	l.backend = f
	l.restart(t)
	id := l.createKey(t)
	must[any](t)(do(l.Service, "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &id, PendingWindowInDays: new(int32(7))}))
	late := 0
	f.Next = func(b store.Batch) (storetest.Fault, time.Duration) {
		for _, w := range b.Writes {
			if strings.HasPrefix(string(w.Key), "key/") && w.Value == nil && late == 0 {
				late++
				return storetest.Late, 0
			}
		}
		return storetest.None, 0
	}
	l.sweepAfter(t, 7*day+time.Second)
	if made, err := f.Release(t.Context()); late != 1 || made != 0 || err != nil {
		t.Errorf("%d of %d removals came late, %v", made, late, err)
	}
	l.end(t)
}

// A token key that was added by a commit of unknown outcome is used, and is not left for erasure.
func TestTokenKeyOfUnknownOutcome(t *testing.T) {
	for _, fault := range []storetest.Fault{storetest.Silent, storetest.Late, storetest.Lost} {
		l := newClockedService(t)
		l.end(t)
		f := &storetest.Faulty{Backend: l.backend}
		l.backend = f
		l.restart(t)
		id := *must[any](t)(do(l.Service, "CreateKey", &api.CreateKeyRequest{Origin: new("EXTERNAL")})).(*api.CreateKeyResponse).KeyMetadata.KeyId
		faults := 0
		f.Next = func(b store.Batch) (storetest.Fault, time.Duration) {
			if strings.HasPrefix(string(b.Writes[0].Key), "token-keys/") && faults == 0 {
				faults++
				return fault, 0
			}
			return storetest.None, 0
		}
		l.importInto(t, id, time.Hour)
		l.end(t)
		l.restart(t) // finishes erasures
		l.importInto(t, id, 2*time.Hour)
		if l.end(t); faults != 1 {
			t.Errorf("%d faults", faults)
		}
	}
}

// A node that was taken over refuses all requests, and tells its owner.
func TestFencedNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment()
		d.backend = memory.New()
		a, b := must[*clusterNode](t)(d.node(t, "A", d.backend)), must[*clusterNode](t)(d.node(t, "B", d.backend))
		fenced := make(chan error, 1)
		c := must[*clusterNode](t)(d.node(t, "C", d.backend, func(c *service.Config) { c.Fenced = func(err error) { fenced <- err } }))
		id := *must[any](t)(c.do("", "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse).KeyMetadata.KeyId
		b.takeOver(t, d, c.id)
		if _, err := c.do("", "DisableKey", &api.DisableKeyRequest{KeyId: &id}); !errors.Is(err, journal.ErrFenced) {
			t.Errorf("a change: %v", err)
		}
		if err := <-fenced; !errors.Is(err, journal.ErrFenced) {
			t.Error(err)
		}
		if _, err := c.do("", "DescribeKey", &api.DescribeKeyRequest{KeyId: &id}); !errors.Is(err, journal.ErrFenced) {
			t.Errorf("a read: %v", err)
		}
		if _, err := a.do("", "DescribeKey", &api.DescribeKeyRequest{KeyId: &id}); err != nil {
			t.Errorf("another node: %v", err)
		}
		for _, n := range []*clusterNode{a, b, c} {
			n.close()
		}
	})
}
