package service_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/service"
)

// A syncedText is an operator's log that several nodes write.
type syncedText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *syncedText) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// warnings returns the lines of the log above the level Info.
func (s *syncedText) warnings() (lines []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.Lines(s.text.String()) {
		if !strings.Contains(line, "level=DEBUG") && !strings.Contains(line, "level=INFO") {
			lines = append(lines, line)
		}
	}
	return lines
}

// A share is the Sharing of a node in a test.
type share struct {
	mine  bool
	clock error
}

func (s share) Mine(string) bool { return s.mine }
func (s share) Clock() error     { return s.clock }

// twoNodes returns two nodes on one Backend that share a clock. No sweep runs unless the test calls it.
func twoNodes(t *testing.T) (a, b *clusterNode, clock *service.Clock, log *syncedText, d deployment) {
	t.Helper()
	d, clock, log = newDeployment(), service.NewClock(time.Now), &syncedText{}
	open := func(id string) *clusterNode {
		n := must[*clusterNode](t)(d.node(t, id, d.backend, func(c *service.Config) {
			c.Clock = clock
			c.Log = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		}))
		n.EndSweeper()
		t.Cleanup(n.close)
		return n
	}
	return open("A"), open("B"), clock, log, d
}

// dueKeys makes keys, a third of each whose material expires, whose deletion date comes, and that rotate in a year.
func dueKeys(t *testing.T, n *clusterNode, clock *service.Clock, count int) (ids []string) {
	t.Helper()
	for i := range count {
		in := &api.CreateKeyRequest{}
		if i%3 == 0 {
			in.Origin = new("EXTERNAL")
		}
		id := *must[any](t)(n.do("r", "CreateKey", in)).(*api.CreateKeyResponse).KeyMetadata.KeyId
		switch i % 3 {
		case 0:
			in := must[*api.ImportKeyMaterialRequest](t)(n.importRequest("r", id))
			in.ExpirationModel, in.ValidTo = new("KEY_MATERIAL_EXPIRES"), api.NewTimestamp(clock.Now().Add(300*day))
			must[any](t)(n.do("r", "ImportKeyMaterial", in))
		case 1:
			must[any](t)(n.do("r", "ScheduleKeyDeletion", &api.ScheduleKeyDeletionRequest{KeyId: &id}))
		case 2:
			must[any](t)(n.do("r", "EnableKeyRotation", &api.EnableKeyRotationRequest{KeyId: &id}))
		}
		ids = append(ids, id)
	}
	return ids
}

// Two nodes that sweep the same due keys at once do everything once. Their conflicts are not errors.
func TestTwoSweepsAtOnce(t *testing.T) {
	a, b, clock, log, d := twoNodes(t)
	ids := dueKeys(t, a, clock, 30)
	if err := clock.Advance(366 * day); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		var both sync.WaitGroup
		for _, n := range []*clusterNode{a, b} {
			both.Go(func() {
				if err := n.Sweep(t.Context()); err != nil {
					t.Errorf("node %s: %v", n.id, err)
				}
			})
		}
		both.Wait()
	}
	if lines := log.warnings(); len(lines) > 0 {
		t.Errorf("the operator's log has:\n%s", strings.Join(lines, ""))
	}
	other := must[*clusterNode](t)(d.node(t, "C", d.backend, func(c *service.Config) { c.Clock = clock }))
	defer other.close()
	for i, id := range ids {
		out, err := other.do("r", "DescribeKey", &api.DescribeKeyRequest{KeyId: &id})
		switch i % 3 {
		case 0:
			if err != nil || *out.(*api.DescribeKeyResponse).KeyMetadata.KeyState != "PendingImport" {
				t.Errorf("a key whose material expired: %v, %v", out, err)
			}
		case 1:
			if err == nil {
				t.Error("a key is there after its deletion date")
			}
		case 2:
			r := must[any](t)(other.do("r", "ListKeyRotations", &api.ListKeyRotationsRequest{KeyId: &id})).(*api.ListKeyRotationsResponse)
			if len(r.Rotations) != 1 {
				t.Errorf("a key was rotated %d times", len(r.Rotations))
			}
		}
	}
	events := strings.Count(string(a.events.text)+string(b.events.text), `"DeleteExpiredKeyMaterial"`)
	if events != 10 {
		t.Errorf("the logs have %d events of 10 expirations", events)
	}
}

// A node leaves keys to the other node for a few seconds, and then carries their changes out, because the other node
// may have stopped.
func TestSweepsAreDivided(t *testing.T) {
	a, b, clock, _, d := twoNodes(t)
	dueKeys(t, a, clock, 1)
	if err := errors.Join(clock.Advance(300*day+time.Second), a.Sweep(t.Context())); err != nil { // the token key is old
		t.Fatal(err)
	}
	slots := func() (n int) {
		t.Helper()
		if err := d.slots.Each(t.Context(), "", func(string, error) bool { n++; return true }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if slots() != 0 {
		t.Fatalf("%d slots", slots())
	}
	dueKeys(t, a, clock, 1)
	sweep := func(n *clusterNode, s share, want int) {
		t.Helper()
		n.ShareSweep(s)
		if err := n.Sweep(t.Context()); err != nil || slots() != want {
			t.Errorf("node %s, %+v: %d slots, want %d, %v", n.id, s, slots(), want, err)
		}
	}
	if err := clock.Advance(300*day + time.Second); err != nil {
		t.Fatal(err)
	}
	distrusted := share{mine: true, clock: errors.New("the clock is wrong")}
	sweep(a, distrusted, 2) // neither the material nor the token key
	sweep(a, share{mine: false}, 1)
	if err := clock.Advance(3 * time.Second); err != nil {
		t.Fatal(err)
	}
	sweep(a, share{mine: false}, 1)
	if err := clock.Advance(4 * time.Second); err != nil {
		t.Fatal(err)
	}
	sweep(a, distrusted, 1)
	sweep(a, share{mine: false}, 0)
	dueKeys(t, b, clock, 1)
	if err := clock.Advance(300*day + time.Second); err != nil {
		t.Fatal(err)
	}
	sweep(b, share{mine: true}, 0)
}
