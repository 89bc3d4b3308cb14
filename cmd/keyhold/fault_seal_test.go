package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/programtest"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// TestSealKills kills a server at random moments of seal rotate and of seal migrate. After each kill some custody opens
// the deployment, no record is lost, and every key decrypts. KEYHOLD_SEAL_KILLS is the number of kills of each.
func TestSealKills(t *testing.T) {
	t.Parallel()
	kills := fromEnv("KEYHOLD_SEAL_KILLS", 2)
	s := newSealKills(t, fromEnv("KEYHOLD_SEAL_KEYS", 60))
	for range kills {
		s.killed(t, s.migrate)
		s.killed(t, s.rotate)
	}
	at := s.start(t)
	for s.rotation(t, at) {
		time.Sleep(50 * time.Millisecond)
	}
	s.check(t, at)
	at.kill(t)
	out, err := exec.Command(s.program, "verify", "--data", s.data, "--root-key-file", s.open(t)).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(" is sound\n")) {
		t.Errorf("verify: %v\n%s", err, out)
	}
	t.Logf("%d kills of each: %d data keys, %d root keys, %d custodies", kills, s.dataKey, s.rootKey, len(s.custodies))
	if kills >= 100 && (s.dataKey < 3 || s.rootKey < 3 || len(s.custodies) < 10) {
		t.Error("hardly anything was changed: the test tested nothing")
	}
}

// sealKills is a deployment whose server is killed again and again.
type sealKills struct {
	program, data string
	custodies     []string // key files that may open the deployment, the newest last
	blobs         map[string][]byte
	next          int
	dataKey       int64
	rootKey       int64
}

func newSealKills(t *testing.T, keys int) *sealKills {
	dir := t.TempDir()
	s := &sealKills{program: buildProgram(t), data: filepath.Join(dir, "data"), blobs: map[string][]byte{}}
	s.custodies = []string{filepath.Join(dir, "0.key")}
	at := s.start(t)
	for range keys {
		made, err := at.client().CreateKey(t.Context(), &kms.CreateKeyInput{})
		if err != nil {
			t.Fatal(err)
		}
		id := *made.KeyMetadata.KeyId
		out, err := at.client().Encrypt(t.Context(), &kms.EncryptInput{KeyId: &id, Plaintext: []byte(id)})
		if err != nil {
			t.Fatal(err)
		}
		s.blobs[id] = out.CiphertextBlob
	}
	at.kill(t)
	return s
}

// start starts a server with the newest custody that is in the keyring.
func (s *sealKills) start(t *testing.T) *program {
	t.Helper()
	c := exec.Command(s.program, "dev", "--addr", "127.0.0.1:0", "--data", s.data, "--root-key-file", s.open(t))
	server, err := programtest.Start(t.Context(), c)
	if err != nil {
		t.Fatalf("no start: %v", err)
	}
	t.Cleanup(func() { _ = server.End(os.Kill) })
	return &program{server, server.Endpoint}
}

// open returns the newest custody in the keyring, and checks that all custodies in the keyring open it.
func (s *sealKills) open(t *testing.T) (file string) {
	t.Helper()
	if !host.HasDatabase(s.data) {
		return s.custodies[0]
	}
	at, err := host.ReadStore(t.Context(), s.data)
	if err != nil {
		t.Fatal(err)
	}
	defer at.Close()
	var kept store.Item
	err = at.Backend.View(t.Context(), func(r store.Reader) (err error) {
		kept, err = store.ReadItem(r, []byte(records.KeyringPath))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	d, err := seal.Describe(kept.Value)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range s.custodies {
		root, err := custody.KeyFile(name).Open(nil)
		if err != nil || !d.Has(root.ID()) {
			continue
		}
		if _, err := seal.OpenKeyring(t.Context(), root, kept.Value); err != nil {
			t.Fatalf("a custody of the keyring does not open it: %v", err)
		}
		file = name
	}
	if file == "" {
		t.Fatal("no custody opens the keyring")
	}
	return file
}

// connect returns a client of the administrative operations.
func (s *sealKills) connect(at *program) *connection {
	known := credentials.NewStaticCredentialsProvider(devAccessKey, devSecret, "")
	return &connection{Client: at.client(), endpoint: at.endpoint, region: "us-east-1", credentials: aws.NewCredentialsCache(known)}
}

// killed starts a server, makes a change, and kills the server at a random moment. Then everything is still there.
func (s *sealKills) killed(t *testing.T, change func(*testing.T, *connection)) {
	t.Helper()
	at := s.start(t)
	var done sync.WaitGroup
	done.Go(func() { change(t, s.connect(at)) })
	time.Sleep(rand.N(60 * time.Millisecond)) // the kill may come at any moment
	at.kill(t)
	done.Wait()
	at = s.start(t)
	s.check(t, at)
	s.rotation(t, at)
	at.kill(t)
}

// rotate begins a rotation. Requests that the kill interrupts fail.
func (s *sealKills) rotate(t *testing.T, c *connection) {
	in := &api.SealRotateRequest{Key: new([]string{"Data", "Root"}[rand.N(2)])}
	_ = c.call(t.Context(), api.TargetAdmin, "SealRotate", in, nil)
}

// migrate moves the server to a new custody, and removes the former one.
func (s *sealKills) migrate(t *testing.T, c *connection) {
	s.next++
	file := filepath.Join(filepath.Dir(s.data), fmt.Sprint(s.next, ".key"))
	if _, err := custody.KeyFile(file).Create(nil); err != nil {
		t.Error(err)
		return
	}
	s.custodies = append(s.custodies, file)
	var out api.SealMigrateResponse
	to := custody.KeyFile(file).String()
	if c.call(t.Context(), api.TargetAdmin, "SealMigrate", &api.SealMigrateRequest{To: &to}, &out) == nil {
		_ = c.call(t.Context(), api.TargetAdmin, "SealMigrate", &api.SealMigrateRequest{From: out.FormerId}, nil)
	}
}

// check decrypts with every key.
func (s *sealKills) check(t *testing.T, at *program) {
	t.Helper()
	for id, blob := range s.blobs {
		out, err := at.client().Decrypt(t.Context(), &kms.DecryptInput{CiphertextBlob: blob})
		if err != nil || string(out.Plaintext) != id {
			t.Fatalf("key %s: %v", id, err)
		}
	}
}

// rotation reports whether a data key replaces others. It moves the clock to the end of the sessions.
func (s *sealKills) rotation(t *testing.T, at *program) bool {
	t.Helper()
	var out api.SealStatusResponse
	c := s.connect(at)
	if err := c.call(t.Context(), api.TargetAdmin, "SealStatus", &api.SealStatusRequest{}, &out); err != nil {
		t.Fatal(err)
	}
	if out.RootKey != nil {
		s.rootKey = *out.RootKey.Version
	}
	s.dataKey = *slices.MaxFunc(out.DataKeys, func(a, b api.SealKey) int { return int(*a.Version - *b.Version) }).Version
	if out.Rotation == nil {
		return false
	}
	if *out.Rotation.Phase == string(records.PhaseResting) {
		in := &api.MoveClockRequest{AdvanceSeconds: new(int64(38 * 3600))}
		if err := c.call(t.Context(), api.TargetDev, "MoveClock", in, nil); err != nil {
			t.Fatal(err)
		}
	}
	return true
}
