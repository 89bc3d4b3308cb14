package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/service"
)

// reclaim carries out a round that erases the slots that no record names. No server has the folder open.
func (f faultFolder) reclaim(t *testing.T) (erased int) {
	t.Helper()
	d, err := host.OpenFolder(f.data, rootOptions{root: custody.KeyFile(f.rootKey())}.openRoot, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err, d.Close(nil))
	}
	c := d.Config()
	c.Log = slog.New(slog.DiscardHandler)
	s, err := service.Open(t.Context(), c)
	if err == nil {
		erased, err = s.ReclaimSlots(t.Context(), func(context.Context, time.Duration) error { return nil })
	}
	if err := errors.Join(err, d.Close(s)); err != nil {
		t.Error(err)
	}
	return erased
}

// A slotLoad makes keys, rotates keys, and imports and deletes material, while servers are killed.
type slotLoad struct {
	mu       sync.Mutex
	keys     []string
	blobs    [][]byte
	imported *faultKey
}

// made adds a key, and a ciphertext of a key.
func (l *slotLoad) made(id string, blob []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if id != "" {
		l.keys = append(l.keys, id)
	}
	if blob != nil {
		l.blobs = append(l.blobs, blob)
	}
}

// size returns the number of ciphertexts.
func (l *slotLoad) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.blobs)
}

// run runs workers until the server is killed, after a window in which they made something at least.
func (l *slotLoad) run(t *testing.T, s *faultServer, window time.Duration) {
	t.Helper()
	if err := l.imported.prepare(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	before := l.size()
	var all sync.WaitGroup
	for _, work := range []func(context.Context, *faultServer) error{l.create, l.create, l.rotate, l.rotate, l.exchange} {
		all.Go(func() {
			for work(t.Context(), s) == nil {
			}
		})
	}
	time.Sleep(window)
	for began := time.Now(); l.size() == before && time.Since(began) < time.Minute; { // on a busy machine
		time.Sleep(time.Millisecond)
	}
	s.end(syscall.SIGKILL)
	all.Wait()
}

func (l *slotLoad) create(ctx context.Context, s *faultServer) error {
	a, err := s.call(ctx, "CreateKey", map[string]any{})
	if id, ok := a.member("KeyMetadata", "KeyId").(string); ok && err == nil {
		l.made(id, nil)
		return l.encrypt(ctx, s, id)
	}
	return err
}

func (l *slotLoad) encrypt(ctx context.Context, s *faultServer, id string) error {
	a, err := s.call(ctx, "Encrypt", map[string]any{"KeyId": id, "Plaintext": []byte("x")})
	if err == nil && a.status == 200 {
		l.made("", a.bytes("CiphertextBlob"))
	}
	return err
}

func (l *slotLoad) rotate(ctx context.Context, s *faultServer) error {
	l.mu.Lock()
	id := ""
	if len(l.keys) > 0 {
		id = l.keys[mathrand.IntN(len(l.keys))]
	}
	l.mu.Unlock()
	if id == "" {
		return l.create(ctx, s)
	}
	if _, err := s.call(ctx, "RotateKeyOnDemand", map[string]any{"KeyId": id}); err != nil {
		return err
	}
	return l.encrypt(ctx, s, id)
}

// exchange imports material and deletes it.
func (l *slotLoad) exchange(ctx context.Context, s *faultServer) error {
	for _, name := range []string{"ImportKeyMaterial", "DeleteImportedKeyMaterial"} {
		if _, err := s.call(ctx, name, l.imported.input(faultOp{name: name}, nil)); err != nil {
			return err
		}
	}
	return nil
}

// decryptAll checks that all ciphertexts open.
func (l *slotLoad) decryptAll(ctx context.Context, s *faultServer) error {
	for _, blob := range l.blobs {
		a, err := s.call(ctx, "Decrypt", map[string]any{"CiphertextBlob": blob})
		if err != nil || a.status != 200 || !bytes.Equal(a.bytes("Plaintext"), []byte("x")) {
			return fmt.Errorf("a ciphertext does not open: %w, %d %s", err, a.status, a.body)
		}
	}
	return nil
}

// TestSlotsAfterKills kills keyhold serve repeatedly while keys are made and rotated, and material is imported and
// deleted. The slots that this leaves without a name are erased by one round, and no others: all ciphertexts open.
// KEYHOLD_KILLS is the number of kills.
func TestSlotsAfterKills(t *testing.T) {
	t.Parallel()
	kills := fromEnv("KEYHOLD_KILLS", 6)
	f := initFolder(t, buildProgram(t), filepath.Join(t.TempDir(), "data"))
	l := &slotLoad{imported: newFaultKey()}
	for range kills {
		s, err := f.serve(t)
		if err != nil {
			t.Fatal(err)
		}
		l.run(t, s, time.Duration(20+mathrand.IntN(60))*time.Millisecond)
	}
	erased := f.reclaim(t)
	if unnamed, err := f.verify(t.Context()); unnamed != 0 || err != nil {
		t.Errorf("%d slots have no name, %v", unnamed, err)
	}
	s, err := f.serve(t)
	if err == nil {
		err = errors.Join(l.decryptAll(t.Context(), s), s.end(syscall.SIGTERM))
	}
	if err != nil {
		t.Error(err)
	}
	if unnamed, err := f.verify(t.Context()); unnamed != 0 || err != nil {
		t.Errorf("%d slots have no name, %v", unnamed, err)
	}
	t.Logf("%d kills: %d keys, %d ciphertexts; %d slots without a name were erased", kills, len(l.keys), len(l.blobs), erased)
	if len(l.blobs) < kills || kills >= 60 && erased == 0 {
		t.Error("hardly anything was made: the test tested nothing")
	}
}
