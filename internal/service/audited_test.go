package service_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// A deployment is a store and its root key, which stay when a server ends.
type deployment struct {
	backend store.Backend
	slots   store.Slots
	root    seal.Root
}

func newDeployment() deployment {
	return deployment{memory.New(), memory.NewSlots(), seal.NewEphemeralRoot()}
}

func (d deployment) open(t *testing.T, log *audit.Log) *service.Service {
	t.Helper()
	return must[*service.Service](t)(service.Open(t.Context(), service.Config{
		Backend: d.backend, Slots: d.slots, Root: d.root, Audit: log, Clock: service.NewClock(time.Now), Log: slog.New(slog.DiscardHandler), Create: true,
	}))
}

// outbox returns how many events wait in the outbox.
func (d deployment) outbox(t *testing.T) int {
	t.Helper()
	var items []store.Item
	err := d.backend.View(t.Context(), func(r store.Reader) (err error) {
		items, err = r.Scan([]byte("outbox/"), []byte("outbox0"), 100)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(items)
}

func do(s *service.Service, operation string, in any) (any, error) {
	op, ok := s.Find(operation)
	if !ok {
		return nil, errors.New("no operation " + operation)
	}
	p := identity.Root("111122223333")
	p.AccessKeyID = "AKIDEXAMPLE"
	return s.Do(context.Background(), service.Request{
		ID: "request-1", Caller: identity.Caller{Principal: p, Region: "eu-west-2"},
		SourceIP: "192.0.2.1", UserAgent: "test", Operation: op, Input: in,
	})
}

func openLog(t *testing.T, path string) *audit.Log {
	t.Helper()
	return must[*audit.Log](t)(audit.Open(path, audit.Options{}))
}

func readEvents(t *testing.T, path string) (events []map[string]any) {
	t.Helper()
	for line := range strings.Lines(string(must[[]byte](t)(os.ReadFile(path)))) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

func TestEveryDecisionHasItsEvent(t *testing.T) {
	d, path := newDeployment(), filepath.Join(t.TempDir(), "audit.log")
	log := openLog(t, path)
	s := d.open(t, log)
	out := must[any](t)(do(s, "CreateKey", &api.CreateKeyRequest{Description: new("mine")})).(*api.CreateKeyResponse)
	id, arn := out.KeyMetadata.KeyId, *out.KeyMetadata.Arn
	blob := must[any](t)(do(s, "Encrypt", &api.EncryptRequest{KeyId: id, Plaintext: []byte("top secret"), EncryptionContext: map[string]string{"app": "x"}})).(*api.EncryptResponse)
	do(s, "Decrypt", &api.DecryptRequest{CiphertextBlob: blob.CiphertextBlob})
	do(s, "Encrypt", &api.EncryptRequest{KeyId: id})
	do(s, "DisableKey", &api.DisableKeyRequest{KeyId: id})
	for _, c := range []interface{ Close() error }{log, s} {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if n := d.outbox(t); n != 0 {
		t.Errorf("%d events stay in the outbox after an orderly end", n)
	}
	events := readEvents(t, path)
	var got []string
	for _, e := range events {
		code, _ := e["errorCode"].(string)
		got = append(got, e["eventName"].(string)+" "+code)
	}
	want := "CreateKey |Encrypt |Decrypt InvalidCiphertextException|Encrypt ValidationException|DisableKey "
	if strings.Join(got, "|") != want {
		t.Fatalf("events %q\nwant %s", got, want)
	}
	e := events[1]
	identity, resources := e["userIdentity"].(map[string]any), e["resources"].([]any)
	parameters := e["requestParameters"].(map[string]any)
	if identity["arn"] != "arn:aws:iam::111122223333:root" || identity["accessKeyId"] != "AKIDEXAMPLE" || e["awsRegion"] != "eu-west-2" ||
		e["requestID"] != "request-1" || e["sourceIPAddress"] != "192.0.2.1" || e["readOnly"] != true ||
		resources[0].(map[string]any)["ARN"] != arn || parameters["encryptionContext"].(map[string]any)["app"] != "x" {
		t.Errorf("%v", e)
	}
	if events[0]["readOnly"] != false || events[0]["resources"].([]any)[0].(map[string]any)["ARN"] != arn {
		t.Errorf("%v", events[0])
	}
	text := string(must[[]byte](t)(os.ReadFile(path)))
	for _, secret := range []string{"top secret", "dG9wIHNlY3JldA", "ciphertextBlob", "plaintext\":"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
}

// A brokenFile accepts no write.
type brokenFile struct{ audit.Discard }

func (brokenFile) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

func TestWhatCannotBeAuditedFails(t *testing.T) {
	d := newDeployment()
	s := d.open(t, audit.New(brokenFile{}, audit.Options{}))
	if _, err := do(s, "ListKeys", &api.ListKeysRequest{}); err == nil {
		t.Error("a read was answered that is in no log")
	}
	if _, err := do(s, "CreateKey", &api.CreateKeyRequest{}); err == nil {
		t.Error("a change was made while the log is broken")
	}
	if n := d.outbox(t); n != 0 {
		t.Errorf("the refused change left %d events", n)
	}
}

// An unsyncedFile loses all data written to it, as in a crash.
type unsyncedFile struct{ audit.Discard }

func (unsyncedFile) Sync() error { return errors.New("the machine stopped") }

func TestEventsOfACrashAreBroughtToTheLog(t *testing.T) {
	d, path := newDeployment(), filepath.Join(t.TempDir(), "audit.log")
	s := d.open(t, audit.New(unsyncedFile{}, audit.Options{FsyncEvery: time.Hour}))
	must[any](t)(do(s, "CreateKey", &api.CreateKeyRequest{}))
	// The server is not closed, as after a crash. The next server has the event.
	for range 2 {
		log := openLog(t, path)
		s := d.open(t, log)
		if err := errors.Join(log.Close(), s.Close()); err != nil {
			t.Fatal(err)
		}
		if events := readEvents(t, path); len(events) != 1 || events[0]["eventName"] != "CreateKey" {
			t.Errorf("the log has %d events: %v", len(events), events)
		}
	}
	if n := d.outbox(t); n != 0 {
		t.Errorf("%d events stay in the outbox", n)
	}
}

// An event that the log has is not written again, however many events follow it.
func TestEventsBeforeManyReadsAreKnownAgain(t *testing.T) {
	d, path := newDeployment(), filepath.Join(t.TempDir(), "audit.log")
	log := must[*audit.Log](t)(audit.Open(path, audit.Options{FsyncEvery: time.Hour, MaxLag: time.Hour}))
	s := d.open(t, log)
	must[any](t)(do(s, "ListKeys", &api.ListKeysRequest{}))
	out := must[any](t)(do(s, "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse)
	long := map[string]string{"a": strings.Repeat("x", 100<<10)}
	for range 30 {
		must[any](t)(do(s, "Encrypt", &api.EncryptRequest{KeyId: out.KeyMetadata.KeyId, Plaintext: []byte("x"), EncryptionContext: long}))
	}
	// The server is not closed, as after a crash.
	log = openLog(t, path)
	if err := errors.Join(d.open(t, log).Close(), log.Close()); err != nil {
		t.Fatal(err)
	}
	created := 0
	for _, e := range readEvents(t, path) {
		if e["eventName"] == "CreateKey" {
			created++
		}
	}
	if created != 1 {
		t.Errorf("the event is in the log %d times", created)
	}
}

func TestOpenRefusesWhatItCannotOpen(t *testing.T) {
	d, log := newDeployment(), audit.New(audit.Discard{}, audit.Options{})
	if err := d.open(t, log).Close(); err != nil {
		t.Fatal(err)
	}
	config := service.Config{Backend: d.backend, Slots: d.slots, Root: seal.NewEphemeralRoot(), Audit: log, Clock: service.NewClock(time.Now), Log: slog.New(slog.DiscardHandler), Create: true}
	if _, err := service.Open(t.Context(), config); !errors.Is(err, seal.ErrWrongRoot) {
		t.Errorf("another root key: %v", err)
	}
	config.Backend = memory.New()
	if _, err := config.Backend.Commit(t.Context(), store.Batch{Writes: []store.Write{{Key: []byte("key/x"), Value: []byte("y")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := service.Open(t.Context(), config); err == nil || !strings.Contains(err.Error(), "no keyring") {
		t.Errorf("a store of something else: %v", err)
	}
}
