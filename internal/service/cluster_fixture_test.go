package service_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
)

// A logFile is an audit log in memory.
type logFile struct {
	audit.Discard
	mu      sync.Mutex
	text    []byte
	stopped chan struct{} // closed by resume; nil unless stopped
}

// stop makes all writes wait for resume.
func (f *logFile) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped == nil {
		f.stopped = make(chan struct{})
	}
}

func (f *logFile) resume() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped != nil {
		close(f.stopped)
		f.stopped = nil
	}
}

func (f *logFile) Write(p []byte) (int, error) {
	f.mu.Lock()
	stopped := f.stopped
	f.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text = append(f.text, p...)
	return len(p), nil
}

// changes returns the IDs of the events of changes that were made, by the IDs of their requests.
func (f *logFile) changes(t *testing.T) map[string][]string {
	all := map[string][]string{}
	for line := range strings.Lines(string(f.text)) {
		var e struct {
			ID      string `json:"eventID"`
			Request string `json:"requestID"`
			Error   string `json:"errorCode"`
			Read    bool   `json:"readOnly"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.Request != "" && e.Error == "" && !e.Read {
			all[e.Request] = append(all[e.Request], e.ID)
		}
	}
	return all
}

// A clusterNode is one Service on the Backend that all nodes share.
type clusterNode struct {
	*service.Service
	id     string
	log    *audit.Log
	events *logFile
}

func (d deployment) node(t *testing.T, id string, backend store.Backend, alter ...func(*service.Config)) (n *clusterNode, err error) {
	n = &clusterNode{id: id, events: &logFile{}}
	n.log = audit.New(n.events, audit.Options{})
	c := service.Config{
		Backend: backend, Slots: d.slots, Root: d.root, Audit: n.log, Clock: service.NewClock(time.Now),
		Log: slog.New(slog.DiscardHandler), Create: true, Node: id,
	}
	for _, fn := range alter {
		fn(&c)
	}
	n.Service, err = service.Open(t.Context(), c)
	if err != nil {
		return nil, errors.Join(err, n.log.Close())
	}
	return n, nil
}

// close ends a node. It may leave records in the outbox.
func (n *clusterNode) close() { errors.Join(n.log.Close(), n.Close()) }

// do sends a request to the node.
func (n *clusterNode) do(request, operation string, in any) (any, error) {
	return n.doWithin(context.Background(), request, operation, in)
}

func (n *clusterNode) doWithin(ctx context.Context, request, operation string, in any) (any, error) {
	op, _ := n.Find(operation)
	p := identity.Root("111122223333")
	return n.Do(ctx, service.Request{
		ID: request, Caller: identity.Caller{Principal: p, Region: "eu-west-2"}, SourceIP: "192.0.2.1", Operation: op, Input: in,
	})
}

// takeOver takes over another node, however often that fails. It returns the number of void records at the beginning.
func (n *clusterNode) takeOver(t *testing.T, d deployment, id string) (voids int) {
	t.Helper()
	keyring := must[*seal.Keyring](t)(records.OpenKeyring(t.Context(), d.backend, d.root, false))
	err := store.New(d.backend, keyring.Records()).View(t.Context(), func(v *store.View) error {
		left, err := records.Outbox.Scan(v, records.OutboxPath(id, ""), "", 10_000)
		for _, r := range left {
			if r.Value.Void {
				voids++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		err := n.TakeOver(t.Context(), id)
		if err == nil {
			return voids
		}
		if errors.Is(err, journal.ErrFenced) {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// importRequest returns an import of the same 32 bytes each time.
func (n *clusterNode) importRequest(request, id string) (*api.ImportKeyMaterialRequest, error) {
	out, err := n.do(request, "GetParametersForImport", &api.GetParametersForImportRequest{
		KeyId: &id, WrappingAlgorithm: new("RSAES_OAEP_SHA_256"), WrappingKeySpec: new("RSA_2048"),
	})
	if err != nil {
		return nil, err
	}
	p := out.(*api.GetParametersForImportResponse)
	public, err := x509.ParsePKIXPublicKey(p.PublicKey)
	if err != nil {
		return nil, err
	}
	material := []byte("these bytes are thirty-two long.")[:32]
	wrapped, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), material, nil)
	return &api.ImportKeyMaterialRequest{
		KeyId: &id, ImportToken: p.ImportToken, EncryptedKeyMaterial: wrapped, ExpirationModel: new("KEY_MATERIAL_DOES_NOT_EXPIRE"),
	}, err
}
