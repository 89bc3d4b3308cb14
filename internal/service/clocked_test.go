package service_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
)

// importInto imports the same 32 bytes each time. They expire after the given time.
func (l *clockedService) importInto(t *testing.T, id string, validFor time.Duration) {
	t.Helper()
	p := must[any](t)(do(l.Service, "GetParametersForImport", &api.GetParametersForImportRequest{
		KeyId: &id, WrappingAlgorithm: new("RSAES_OAEP_SHA_256"), WrappingKeySpec: new("RSA_2048"),
	})).(*api.GetParametersForImportResponse)
	public := must[any](t)(x509.ParsePKIXPublicKey(p.PublicKey)).(*rsa.PublicKey)
	wrapped := must[[]byte](t)(rsa.EncryptOAEP(sha256.New(), rand.Reader, public, []byte("these bytes are thirty-two long.")[:32], nil))
	must[any](t)(do(l.Service, "ImportKeyMaterial", &api.ImportKeyMaterialRequest{
		KeyId: &id, ImportToken: p.ImportToken, EncryptedKeyMaterial: wrapped, ValidTo: api.NewTimestamp(l.clock.Now().Add(validFor)),
	}))
}

// A stoppingBackend accepts a number of commits and then no more, as if the process had stopped.
type stoppingBackend struct {
	store.Backend
	mu   sync.Mutex
	left int
}

// after lets the Backend accept the given number of further commits.
func (s *stoppingBackend) after(commits int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.left = commits
}

func (s *stoppingBackend) Commit(ctx context.Context, b store.Batch) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left--; s.left < 0 {
		return 0, store.ErrFailed
	}
	return s.Backend.Commit(ctx, b)
}

// countedSlots record which slots are in use, and can be stopped before an erasure.
type countedSlots struct {
	store.Slots
	mu      sync.Mutex
	live    map[string]bool
	newest  string
	stopped bool
}

func (c *countedSlots) Put(ctx context.Context, secret []byte) (string, error) {
	slot, err := c.Slots.Put(ctx, secret)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		c.live[slot], c.newest = true, slot
	}
	return slot, err
}

func (c *countedSlots) Erase(ctx context.Context, slots ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return errors.New("stopped")
	}
	for _, s := range slots {
		delete(c.live, s)
	}
	return c.Slots.Erase(ctx, slots...)
}

func (c *countedSlots) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.newest
}

func (c *countedSlots) has(slot string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live[slot]
}

func (c *countedSlots) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.live)
}

func (c *countedSlots) stop()  { c.mu.Lock(); c.stopped = true; c.mu.Unlock() }
func (c *countedSlots) start() { c.mu.Lock(); c.stopped = false; c.mu.Unlock() }

// snapshot returns a copy of the present state of a Backend, with its revision or a lower one.
func snapshot(t *testing.T, b store.Backend) store.Backend {
	t.Helper()
	c := memory.New()
	err := b.View(t.Context(), func(r store.Reader) error {
		items, err := r.Scan(nil, nil, 10000)
		if err != nil {
			return err
		}
		batch := store.Batch{}
		for _, i := range items {
			batch.Writes = append(batch.Writes, store.Write{Key: i.Key, Value: i.Value})
		}
		_, err = c.Commit(t.Context(), batch)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A conflictingBackend refuses every commit while it is on, as if other processes were faster.
type conflictingBackend struct {
	store.Backend
	on atomic.Bool
}

func (c *conflictingBackend) Commit(ctx context.Context, b store.Batch) (int64, error) {
	if c.on.Load() {
		return 0, store.ErrConflict
	}
	return c.Backend.Commit(ctx, b)
}
