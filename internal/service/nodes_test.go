package service_test

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// shared makes a Service one node among others.
func shared(c *service.Config) { c.Shared, c.Address, c.Version = true, c.Node+".example:8443", "v1" }

// list returns the nodes of a deployment, by ID.
func (d deployment) list(t *testing.T) map[string]nodes.Member {
	t.Helper()
	keyring := must[*seal.Keyring](t)(records.OpenKeyring(t.Context(), d.backend, d.root, false))
	all := map[string]nodes.Member{}
	for _, m := range must[[]nodes.Member](t)(nodes.List(t.Context(), store.New(d.backend, keyring.Records()))) {
		all[m.ID] = m
	}
	return all
}

// A node that is cut off is taken over by another one, with an event. When the node is back, it stops.
func TestServiceIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment()
		d.backend = memory.New()
		network, fenced := &storetest.Faulty{Backend: d.backend}, make(chan error, 1)
		a := must[*clusterNode](t)(d.node(t, "A", network, shared, func(c *service.Config) { c.Fenced = func(err error) { fenced <- err } }))
		b := must[*clusterNode](t)(d.node(t, "B", d.backend, shared))
		id := *must[any](t)(a.do("", "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse).KeyMetadata.KeyId
		time.Sleep(5 * time.Second)
		if err := errors.Join(a.Ready(), b.Ready()); err != nil {
			t.Error(err)
		}
		if m := d.list(t)["A"]; m.State() != "serving" || m.Address != "A.example:8443" || m.Version != "v1" {
			t.Errorf("%+v", m)
		}
		network.Cut(true)
		time.Sleep(3 * time.Second)
		if a.Ready() == nil || b.Ready() != nil {
			t.Errorf("a node that is cut off is ready: %v, %v", a.Ready(), b.Ready())
		}
		time.Sleep(30 * time.Second)
		if s := d.list(t)["A"].State(); s != "dead" {
			t.Errorf("the node is %s", s)
		}
		network.Cut(false)
		if err := <-fenced; !errors.Is(err, journal.ErrFenced) {
			t.Error(err)
		}
		if _, err := a.do("", "Encrypt", &api.EncryptRequest{KeyId: &id, Plaintext: []byte("x")}); !errors.Is(err, journal.ErrFenced) {
			t.Errorf("a node that was taken over: %v", err)
		}
		must[any](t)(b.do("", "Encrypt", &api.EncryptRequest{KeyId: &id, Plaintext: []byte("x")}))
		a.close()
		b.close()
		if text := string(b.events.text); strings.Count(text, `"eventName":"TakeOverNode"`) != 1 || !strings.Contains(text, `"serviceEventDetails":{"nodeId":"A"}`) {
			t.Errorf("the log of the other node: %s", text)
		}
		d.verify(t)
	})
}

// verify checks the whole deployment.
func (d deployment) verify(t *testing.T) {
	t.Helper()
	_, err := integrity.Verify(t.Context(), integrity.Remains{
		Backend: d.backend, Slots: d.slots, Root: d.root, Log: io.NewSectionReader(strings.NewReader(""), 0, 0),
	}, func(f integrity.Finding) { t.Errorf("keyhold verify: %s", f) })
	if err != nil {
		t.Error(err)
	}
}

// A start with the ID of a node that runs, such as on a copy of its data folder, is refused. If the node is silent, it
// is fenced.
func TestCloneOfAService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment()
		d.backend = memory.New()
		fenced := make(chan error, 1)
		network := &storetest.Faulty{Backend: d.backend}
		a := must[*clusterNode](t)(d.node(t, "A", network, shared, func(c *service.Config) { c.Fenced = func(err error) { fenced <- err } }))
		if _, err := d.node(t, "A", d.backend, shared); !errors.Is(err, nodes.ErrRunning) {
			t.Errorf("the clone of a node that runs: %v", err)
		}
		must[any](t)(a.do("", "CreateKey", &api.CreateKeyRequest{}))
		network.Pause()
		clone := must[*clusterNode](t)(d.node(t, "A", d.backend, shared))
		network.Resume()
		if err := <-fenced; !errors.Is(err, journal.ErrFenced) || !errors.Is(a.Ready(), journal.ErrFenced) || clone.Ready() != nil {
			t.Errorf("%v, %v, %v", err, a.Ready(), clone.Ready())
		}
		if _, err := a.do("", "CreateKey", &api.CreateKeyRequest{}); !errors.Is(err, journal.ErrFenced) {
			t.Errorf("the former process: %v", err)
		}
		must[any](t)(clone.do("", "CreateKey", &api.CreateKeyRequest{}))
		a.close()
		clone.close()
		if s := d.list(t)["A"].State(); s != "stopped" {
			t.Errorf("the node is %s", s)
		}
	})
}

// A node opens records under a data key that was added after its start.
func TestNodeLearnsANewDataKey(t *testing.T) {
	d := newDeployment()
	d.backend = memory.New()
	a := must[*clusterNode](t)(d.node(t, "A", d.backend, shared))
	defer a.close()
	id := *must[any](t)(a.do("", "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse).KeyMetadata.KeyId
	d.addDataKey(t)
	b := must[*clusterNode](t)(d.node(t, "B", d.backend, shared))
	defer b.close()
	must[any](t)(b.do("", "DisableKey", &api.DisableKeyRequest{KeyId: &id}))
	out := must[any](t)(b.do("", "CreateKey", &api.CreateKeyRequest{})).(*api.CreateKeyResponse)
	must[any](t)(a.do("", "Encrypt", &api.EncryptRequest{KeyId: out.KeyMetadata.KeyId, Plaintext: []byte("x")}))
	must[any](t)(a.do("", "EnableKey", &api.EnableKeyRequest{KeyId: &id}))
}

// addDataKey adds a data key to the keyring of a deployment, as a rotation of data keys would.
func (d deployment) addDataKey(t *testing.T) {
	t.Helper()
	var item store.Item
	err := d.backend.View(t.Context(), func(r store.Reader) (err error) {
		item, err = store.ReadItem(r, []byte(records.KeyringPath))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ring := must[*seal.Opened](t)(seal.Open(t.Context(), d.root, item.Value))
	if err := ring.AddDataKey(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	ring.UseDataKeys()
	_, err = d.backend.Commit(t.Context(), store.Batch{
		Checks: []store.Check{{Key: item.Key, Rev: item.Rev}},
		Writes: []store.Write{{Key: item.Key, Value: must[[]byte](t)(ring.Encode())}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A node with a full disk leaves the requests to other nodes. A server that has no other nodes stays ready, because it
// still takes rights away.
func TestReadyOnAFullDisk(t *testing.T) {
	l, disk := newFullDiskService(t)
	d := newDeployment()
	d.backend = memory.New()
	full := func(c *service.Config) { c.Full = disk.Full }
	a := must[*clusterNode](t)(d.node(t, "A", d.backend, shared, full))
	defer a.close()
	for _, want := range []bool{true, false, true} {
		disk.full.Store(!want)
		if err := a.Ready(); (err == nil) != want {
			t.Errorf("a node, with space: %v: %v", want, err)
		}
		if err := l.Ready(); err != nil {
			t.Errorf("a server alone, with space: %v: %v", want, err)
		}
	}
}

// The clock of dev servers that share a store is one clock: what a node acknowledged, all nodes show, moves at several
// nodes all count, and no node doubts the clocks of the others.
func TestClockOfNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment()
		d.backend = memory.New()
		dev := func(c *service.Config) { c.Dev = true }
		start := func(id string) *clusterNode { return must[*clusterNode](t)(d.node(t, id, d.backend, shared, dev)) }
		all := []*clusterNode{start("A"), start("B"), start("C")}
		ahead := func(n *clusterNode) time.Duration {
			out := must[any](t)(n.do("", "ShowClock", &api.ShowClockRequest{})).(*api.ClockResponse)
			return time.Duration(*out.AheadSeconds) * time.Second
		}
		for i := range 6 {
			must[any](t)(all[i%3].do("", "MoveClock", &api.MoveClockRequest{AdvanceSeconds: new(int64(86400))}))
			for _, n := range all {
				if got, want := ahead(n), time.Duration(i+1)*24*time.Hour; got != want {
					t.Errorf("after %v node %s shows %v", want, n.id, got)
				}
			}
		}
		time.Sleep(10 * time.Second)
		for _, n := range all {
			if err := n.Ready(); err != nil {
				t.Errorf("node %s: %v", n.id, err)
			}
		}
		if _, err := all[1].do("", "MoveClock", &api.MoveClockRequest{To: api.NewTimestamp(time.Now().Add(5 * 24 * time.Hour))}); err == nil {
			t.Error("the clock moves back")
		}
		all = append(all, start("D"))
		if got := ahead(all[3]); got != 6*24*time.Hour {
			t.Errorf("a new node shows %v", got)
		}
		for _, n := range all {
			n.close()
		}
	})
}

// A node explains the requests that it answered itself. For others it says where to ask.
func TestExplanationsAreOfANode(t *testing.T) {
	d := newDeployment()
	d.backend = memory.New()
	log := must[*audit.Log](t)(audit.Open(filepath.Join(t.TempDir(), "audit.log"), audit.Options{}))
	n := must[*clusterNode](t)(d.node(t, "A", d.backend, shared, func(c *service.Config) {
		c.Audit, c.Dev, c.DevAccount = log, true, "111122223333"
	}))
	defer func() { log.Close(); n.close() }()
	id := "00000000-0000-4000-8000-000000000000"
	for operation, in := range map[string]any{
		"ExplainDecision":  &api.ExplainDecisionRequest{RequestId: &id},
		"ExplainSignature": &api.ExplainSignatureRequest{RequestId: &id},
	} {
		if _, err := n.do("", operation, in); err == nil || !strings.Contains(err.Error(), "ask the node that answered") {
			t.Errorf("%s: %v", operation, err)
		}
	}
	if _, err := n.do("", "ExplainSignature", &api.ExplainSignatureRequest{}); err == nil || !strings.Contains(err.Error(), "ask the node that answered") {
		t.Error(err)
	}
}
