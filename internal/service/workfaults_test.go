package service

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/seed"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// A workTest is a deployment whose work a test lets fail. It is copied before each failure.
type workTest struct {
	*testing.T
	backend store.Backend
	slots   store.Slots
	root    seal.Root
	now     time.Time
}

// copyOf returns a Backend with the same records.
func copyOf(t *testing.T, b store.Backend) store.Backend {
	t.Helper()
	var batch store.Batch
	err := b.View(t.Context(), func(r store.Reader) error {
		items, err := r.Scan(nil, nil, 1<<20)
		for _, item := range items {
			batch.Writes = append(batch.Writes, store.Write{Key: item.Key, Value: item.Value})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	made := memory.New()
	for some := range slices.Chunk(batch.Writes, store.MaxBatch) {
		if _, err := made.Commit(t.Context(), store.Batch{Writes: some}); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

// open returns the Service of a Backend. Its sweeper has ended.
func (w workTest) open(ctx context.Context, b store.Backend, now time.Time) (*Service, func(), error) {
	events := audit.New(audit.Discard{}, audit.Options{})
	s, err := Open(ctx, Config{
		Backend: storetest.Stepped{Backend: b}, Slots: w.slots, Root: w.root, Create: true, Dev: true, DevAccount: homeAccount,
		Audit: events, Clock: NewClock(func() time.Time { return now }), Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		return nil, func() { events.Close() }, err
	}
	s.sweeper.close()
	return s, func() {
		if err := errors.Join(events.Close(), s.Close()); err != nil {
			w.Error(err)
		}
	}, nil
}

const workSeed = `
[[account]]
id = "111122223333"
[[policy]]
name = "use"
document = '''{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:*","Resource":"*"}]}'''
[[role]]
name = "app"
trust = '''{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}]}'''
[[user]]
name = "carol"
[[user.access_key]]
id = "AKIAIOSFODNN7EXAMPLE"
secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
[[key]]
id = "11111111-1111-4111-8111-111111111111"
origin = "EXTERNAL"
material = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
aliases = ["alias/a", "alias/one"]
[[key]]
id = "22222222-2222-4222-8222-222222222222"
`

// newWorkTest returns a deployment that has keys with all kinds of due changes, which are due at its time.
func newWorkTest(t *testing.T) workTest {
	t.Helper()
	start := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)
	w := workTest{t, memory.New(), memory.NewSlots(), seal.NewEphemeralRoot(), start.Add(400 * 24 * time.Hour)}
	s, end, err := w.open(t.Context(), w.backend, start)
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	do := func(operation string, in any) any { t.Helper(); return doForTest(t, s, operation, in) }
	id := func(in *api.CreateKeyRequest) *string {
		return do("CreateKey", in).(*api.CreateKeyResponse).KeyMetadata.KeyId
	}
	doomed, rotated := id(&api.CreateKeyRequest{}), id(&api.CreateKeyRequest{})
	do("CreateAlias", &api.CreateAliasRequest{AliasName: new("alias/one"), TargetKeyId: doomed})
	for range 2 {
		do("CreateGrant", &api.CreateGrantRequest{KeyId: doomed, GranteePrincipal: new("arn:aws:iam::" + homeAccount + ":root"), Operations: []string{"Encrypt"}})
	}
	do("ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: doomed})
	do("EnableKeyRotation", &api.EnableKeyRotationRequest{KeyId: rotated})
	multi := id(&api.CreateKeyRequest{MultiRegion: new(true)})
	do("ReplicateKey", &api.ReplicateKeyRequest{KeyId: multi, ReplicaRegion: new("eu-west-10")})
	do("EnableKeyRotation", &api.EnableKeyRotationRequest{KeyId: multi})
	_, err = s.Seed(t.Context(), parsedSeed(t, "[[key]]\nid = \"33333333-3333-4333-8333-333333333333\"\norigin = \"EXTERNAL\"\n"+
		"material = \"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"\nexpires_in_days = 30\n"))
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(
			records.Dues.Put(tx, records.DuePath(start, "x/y/z"), struct{}{}), // a stray entry
			records.AccessKeys.Put(tx, rootKey, identity.StoredKey{Account: homeAccount, Secret: "secret"}),
			records.Outbox.Put(tx, "lost", records.PendingEvent{Void: true})) // of an older format
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.tokenKeys.ForSealing(t.Context(), 1); err != nil { // an old token key
		t.Fatal(err)
	}
	return w
}

func parsedSeed(t *testing.T, text string) seed.File {
	t.Helper()
	f, err := seed.Parse("seed.toml", []byte(text), seed.Defaults{Account: homeAccount, Region: "eu-west-2"})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// works returns work that no request asks for.
func works(file seed.File) map[string]func(ctx context.Context, s *Service) error {
	return map[string]func(ctx context.Context, s *Service) error{
		"Seed":       func(ctx context.Context, s *Service) error { _, err := s.Seed(ctx, file); return err },
		"Sweep":      func(ctx context.Context, s *Service) error { return s.Sweep(ctx) },
		"RotateDue":  func(ctx context.Context, s *Service) error { return s.RotateDue(ctx) },
		"Account":    func(ctx context.Context, s *Service) error { _, err := s.Account(ctx); return err },
		"Initialise": func(ctx context.Context, s *Service) error { _, _, err := s.Initialise(ctx, homeAccount); return err },
		"ResetRoot": func(ctx context.Context, s *Service) error {
			if _, _, err := s.Initialise(context.Background(), homeAccount); err != nil && !errors.Is(err, ErrInitialised) {
				return err
			}
			_, err := s.ResetRoot(ctx)
			return err
		},
		"UnservedRegions": func(ctx context.Context, s *Service) error { _, err := s.UnservedRegions(ctx); return err },
		"ServeRegions": func(ctx context.Context, s *Service) error {
			_, err := s.ServeRegions(ctx, []string{"eu-west-2"})
			return err
		},
		"AccessKey": func(ctx context.Context, s *Service) error { _, _, err := s.AccessKey(ctx, rootKey); return err },
		"ReclaimSlots": func(ctx context.Context, s *Service) error {
			_, err := s.ReclaimSlots(ctx, func(context.Context, time.Duration) error { return nil })
			return err
		},
	}
}

// Work that no request asks for fails if any of its reads or commits fails, and succeeds when it is done again.
func TestWorkFailsWithItsReadsAndCommits(t *testing.T) {
	w := newWorkTest(t)
	if _, err := w.slots.Put(t.Context(), make([]byte, 32)); err != nil { // no record names it
		t.Fatal(err)
	}
	for name, work := range works(parsedSeed(t, workSeed)) {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				s, end, err := w.open(t.Context(), copyOf(t, w.backend), w.now)
				if err != nil {
					t.Fatal(err)
				}
				f := &storetest.StepFault{At: at}
				err = work(f.Context(t.Context()), s)
				switch {
				case f.Steps < at && (err != nil || at == 1):
					t.Errorf("%v after %d steps", err, f.Steps)
				case f.Steps >= at && !errors.Is(err, storetest.ErrStep):
					t.Errorf("without %v: %v", f.Broken, err)
				case f.Steps >= at && name != "Initialise":
					if err := work(t.Context(), s); err != nil {
						t.Errorf("again after %v: %v", f.Broken, err)
					}
				}
				if end(); f.Steps < at {
					return
				}
			}
		})
	}
}

// Work that no request asks for fails if it reads a damaged record. Of a fence, the revision alone matters to a change.
func TestWorkFailsWithDamagedRecords(t *testing.T) {
	w := newWorkTest(t)
	if _, err := w.slots.Put(t.Context(), make([]byte, 32)); err != nil { // no record names it
		t.Fatal(err)
	}
	for name, work := range works(parsedSeed(t, workSeed)) {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				s, end, err := w.open(t.Context(), copyOf(t, w.backend), w.now)
				if err != nil {
					t.Fatal(err)
				}
				f := &storetest.StepFault{At: at, Damages: true}
				err = work(f.Context(t.Context()), s)
				end()
				if f.Steps < at {
					return
				}
				if _, corrupt := errors.AsType[*store.CorruptError](err); !corrupt && !strings.HasPrefix(f.Broken[0], records.Fences.Prefix) {
					t.Errorf("with %v damaged: %v", f.Broken, err)
				}
			}
		})
	}
}

// A start fails if any of its reads or commits fails, also if it brings the records to a newer format.
func TestStartFailsWithItsReadsAndCommits(t *testing.T) {
	w := newWorkTest(t)
	older := copyOf(t, w.backend)
	s, end, err := w.open(t.Context(), older, w.now)
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.Update(t.Context(), func(tx *store.Tx) error {
		return errors.Join(
			records.Formats.Put(tx, records.FormatPath, records.Format{Format: 1}),
			records.Outbox.Put(tx, "event", records.PendingEvent{Line: []byte(`{"eventID":"event"}` + "\n")}),
			records.NoteErasures(tx, []string{"9-0000000000000001"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	var grant key.Grant
	err = s.store.View(t.Context(), func(v *store.View) error {
		all, err := records.Grants.Scan(v, "", "", 1)
		grant = all[0].Value
		return err
	})
	if err == nil {
		err = s.store.Update(t.Context(), func(tx *store.Tx) error { // not indexed in format 1
			r, _, err := records.GrantShapes.Get(tx, records.GrantShapesPath(grant))
			return errors.Join(err, records.GrantMatches.Delete(tx, r.MatchPath(grant, r.Shapes[0])))
		})
	}
	if end(); err != nil {
		t.Fatal(err)
	}
	for name, backend := range map[string]store.Backend{"a start": w.backend, "a migration": older, "a new deployment": memory.New()} {
		t.Run(name, func(t *testing.T) {
			for at := 1; ; at++ {
				f, b := &storetest.StepFault{At: at}, copyOf(t, backend)
				_, end, err := w.open(f.Context(t.Context()), b, w.now)
				end()
				if f.Steps < at {
					if err != nil || at == 1 {
						t.Errorf("%v after %d steps", err, f.Steps)
					}
					return
				}
				if !errors.Is(err, storetest.ErrStep) {
					t.Errorf("without %v: %v", f.Broken, err)
				}
				_, end, err = w.open(t.Context(), b, w.now)
				if end(); err != nil {
					t.Errorf("again after %v: %v", f.Broken, err)
				}
			}
		})
		t.Run(name+" with damaged records", func(t *testing.T) {
			for at := 1; ; at++ {
				f := &storetest.StepFault{At: at, Damages: true}
				_, end, err := w.open(f.Context(t.Context()), copyOf(t, backend), w.now)
				if end(); f.Steps < at {
					return
				}
				if err == nil && !strings.HasPrefix(f.Broken[0], records.Fences.Prefix) {
					t.Errorf("with %v damaged: it starts", f.Broken)
				}
			}
		})
	}
}
