package service_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/key"
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

// A breakingFile is an audit log that accepts no more lines once it is broken.
type breakingFile struct {
	audit.Discard
	broken atomic.Bool
}

var errLogBroken = errors.New("the disk of the log is gone")

func (f *breakingFile) Write(p []byte) (int, error) {
	if f.broken.Load() {
		return 0, errLogBroken
	}
	return len(p), nil
}

// If the event of a request that failed cannot be written, the error has both reasons. A refusal that is in no log is
// not answered.
func TestErrorOfTheLogKeepsTheCause(t *testing.T) {
	for _, test := range []struct {
		name    string
		outcome error // of the change, or nil if it is refused
		text    string
	}{
		{"a change of unknown outcome", store.ErrUnknown, "the outcome of a commit is not known"},
		{"a refusal", nil, "the request was refused: KMSInvalidStateException"},
	} {
		synctest.Test(t, func(t *testing.T) {
			d, file := newDeployment(), &breakingFile{}
			d.backend = memory.New()
			f := &storetest.Faulty{Backend: d.backend}
			log := audit.New(file, audit.Options{})
			a := must[*clusterNode](t)(d.node(t, "A", f, func(c *service.Config) { c.Audit = log }))
			id := *must[any](t)(a.do("", "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse).KeyMetadata.KeyId
			if test.outcome == nil {
				must[any](t)(a.do("", "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &id}))
			}
			f.Next = func(b store.Batch) (storetest.Fault, time.Duration) {
				if carriesEvent(b) {
					f.Cut(true)
					file.broken.Store(true)
				}
				return storetest.Late, 0
			}
			file.broken.Store(test.outcome == nil)
			_, err := a.do("", "DisableKey", &api.DisableKeyRequest{KeyId: &id})
			_, isRefusal := errors.AsType[*key.Error](err)
			if !errors.Is(err, errLogBroken) || test.outcome != nil && !errors.Is(err, test.outcome) || isRefusal || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%s: %v", test.name, err)
			}
			if got := service.InternalMessage(err) == service.MessageMayBeMade; got != (test.outcome != nil) {
				t.Errorf("%s: the client is told %q", test.name, service.InternalMessage(err))
			}
			f.Cut(false)
			a.close()
			log.Close() // fails too
		})
	}
}

// failingErasures are slots of which none is erased while fail is set.
type failingErasures struct {
	store.Slots
	fail atomic.Bool
}

var errErase = errors.New("the slot is not erased")

func (s *failingErasures) Erase(ctx context.Context, slots ...string) error {
	if s.fail.Load() {
		return errErase
	}
	return s.Slots.Erase(ctx, slots...)
}

// A request that fails after its change was made does not say that it was rejected, and its only event says that the
// change was made.
func TestFailureAfterAChange(t *testing.T) {
	d := newDeployment()
	slots := &failingErasures{Slots: d.slots}
	d.slots = slots
	a := must[*clusterNode](t)(d.node(t, "A", d.backend))
	id := *must[any](t)(a.do("", "CreateKey", &api.CreateKeyRequest{Origin: new("EXTERNAL")})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	must[any](t)(a.do("", "ImportKeyMaterial", must[*api.ImportKeyMaterialRequest](t)(a.importRequest("", id))))
	slots.fail.Store(true)
	_, err := a.do("deletion", "DeleteImportedKeyMaterial", &api.DeleteImportedKeyMaterialRequest{KeyId: &id})
	if !errors.Is(err, service.ErrMade) || !errors.Is(err, errErase) || service.InternalMessage(err) != service.MessageMayBeMade {
		t.Errorf("%v: the client is told %q", err, service.InternalMessage(err))
	}
	slots.fail.Store(false)
	out := must[any](t)(a.do("", "DescribeKey", &api.DescribeKeyRequest{KeyId: &id})).(*api.DescribeKeyResponse)
	a.close()
	if state := *out.KeyMetadata.KeyState; state != "PendingImport" || len(a.events.changes(t)["deletion"]) != 1 ||
		strings.Contains(string(a.events.text), "errorCode") {
		t.Errorf("the key is %s, and the log is\n%s", state, a.events.text)
	}
}

// A change of unknown outcome has an event that does not say that it was rejected.
func TestEventOfAnUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment()
		d.backend = memory.New()
		f := &storetest.Faulty{Backend: d.backend}
		a := must[*clusterNode](t)(d.node(t, "A", f))
		f.Next = func(b store.Batch) (storetest.Fault, time.Duration) {
			f.Cut(true)
			return storetest.Silent, 0
		}
		if _, err := a.do("unknown", "CreateKey", &api.CreateKeyRequest{}); service.InternalMessage(err) != service.MessageMayBeMade {
			t.Errorf("%v: the client is told %q", err, service.InternalMessage(err))
		}
		f.Next = nil
		f.Cut(false)
		time.Sleep(30 * time.Second)
		a.close()
		var codes []string
		for line := range strings.Lines(string(a.events.text)) {
			var e struct {
				RequestID, ErrorCode, ErrorMessage string
			}
			if err := json.Unmarshal([]byte(line), &e, json.MatchCaseInsensitiveNames(true)); err != nil {
				t.Fatal(err)
			}
			if e.RequestID == "unknown" {
				codes = append(codes, e.ErrorCode+" "+e.ErrorMessage)
			}
		}
		if got := strings.Join(codes, "|"); got != "KMSInternalException "+service.MessageMayBeMade+"| " {
			t.Errorf("the events are %q", got)
		}
	})
}

// A change is acknowledged although the context of its request ends while it waits for the other nodes.
func TestWaitOutlivesTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment()
		d.backend = memory.New()
		network := &storetest.Faulty{Backend: d.backend}
		a, b := must[*clusterNode](t)(d.node(t, "A", d.backend, shared)), must[*clusterNode](t)(d.node(t, "B", network, shared))
		id := *must[any](t)(a.do("", "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse).KeyMetadata.KeyId
		time.Sleep(5 * time.Second)
		network.Cut(true)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		begun := time.Now()
		_, err := a.doWithin(ctx, "disable", "DisableKey", &api.DisableKeyRequest{KeyId: &id})
		if took := time.Since(begun); err != nil || took < time.Second || took > 2*time.Second {
			t.Errorf("the answer came after %v: %v", took, err)
		}
		network.Cut(false)
		a.close()
		b.close()
		if len(a.events.changes(t)["disable"]) != 1 {
			t.Errorf("the log is\n%s", a.events.text)
		}
	})
}
