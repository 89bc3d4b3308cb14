package service_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/integrity"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// TestCluster runs several Services in one process on one Backend behind an unreliable network: commits that are
// lost, made without an answer, or made late; delays, cuts and pauses; a takeover of a node at any moment.
// KEYHOLD_CLUSTER is the number of scenarios. Afterwards no key is lost, no change was made twice, and all
// acknowledged changes are there.
//
// At any time one node serves all requests for a key. TestClusterShared has requests for one key at several nodes.
func TestCluster(t *testing.T) {
	scenarios, err := strconv.Atoi(os.Getenv("KEYHOLD_CLUSTER"))
	if err != nil {
		scenarios = 150
	}
	var total clusterCounts
	for seed := range scenarios {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { total.add(newScenario(t, uint64(seed)).run()) })
		})
		if t.Failed() {
			break
		}
	}
	t.Logf("%d scenarios: %+v", scenarios, total)
	if !t.Failed() && (total.Unknown == 0 || total.NotMade == 0 || total.Taken == 0 || total.Late == 0 || total.Rounds == 0 || total.Reclaimed == 0) {
		t.Error("something did not happen that the scenarios are made for")
	}
}

// clusterCounts are what happened in scenarios.
type clusterCounts struct {
	Made, NotMade, Unknown int // changes, by the responses to their callers
	Faults                 int // commits of unknown outcome
	Late                   int // commits that were made late
	Taken, Voids           int // nodes that were taken over, with so many void records
	Rounds, Reclaimed      int // rounds that look for slots that no record names, and the slots that they erased
}

func (c *clusterCounts) add(d clusterCounts) {
	c.Made, c.NotMade, c.Unknown, c.Faults = c.Made+d.Made, c.NotMade+d.NotMade, c.Unknown+d.Unknown, c.Faults+d.Faults
	c.Late, c.Taken, c.Voids = c.Late+d.Late, c.Taken+d.Taken, c.Voids+d.Voids
	c.Rounds, c.Reclaimed = c.Rounds+d.Rounds, c.Reclaimed+d.Reclaimed
}

// A clusterKey is a key, and all requests for it.
type clusterKey struct {
	id       string
	imported bool
	mu       sync.Mutex
	at       *clusterNode // the node that serves all requests
	history  []porcupine.Operation
	blobs    [][]byte
	told     map[string]string // the answer to each change, by its request ID
}

// node returns the node that serves the requests.
func (k *clusterKey) node() *clusterNode {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.at
}

// Answers to a request, besides the states, numbers and names of errors that it reads.
const (
	answerMade    = "made"
	answerNotMade = "not made"
	answerUnknown = "unknown"
)

// A keyModel is the state of a key.
type keyModel struct {
	state     string
	rotations int
}

// after returns the answer of an operation and the state after it.
func (m keyModel) after(operation string) (answer string, _ keyModel) {
	switch {
	case operation == "DescribeKey":
		return m.state, m
	case operation == "ListKeyRotations":
		return fmt.Sprint(m.rotations), m
	case operation == "ImportKeyMaterial":
		if m.state == "PendingImport" {
			m.state = "Enabled"
		}
	case operation == "DeleteImportedKeyMaterial":
		m.state = "PendingImport"
	case m.state == "PendingImport":
		return "KMSInvalidStateException", m
	case operation == "DisableKey":
		m.state = "Disabled"
	case operation == "EnableKey":
		m.state = "Enabled"
	case m.state == "Disabled": // Encrypt, RotateKeyOnDemand
		return "DisabledException", m
	case operation == "RotateKeyOnDemand":
		m.rotations++
	}
	return answerMade, m
}

// model returns the model of a key for the checker. A request that fails otherwise has no effect.
func (k *clusterKey) model() porcupine.Model {
	initial := keyModel{state: "Enabled"}
	if k.imported {
		initial.state = "PendingImport"
	}
	model := porcupine.NondeterministicModel{
		Init: func() []any { return []any{initial} },
		Step: func(state, input, output any) []any {
			answer, next := state.(keyModel).after(input.(string))
			switch output {
			case answerNotMade:
				return []any{state}
			case answerUnknown:
				return []any{state, next}
			case answer:
				return []any{next}
			}
			return nil
		},
	}
	return model.ToModel()
}

// A scenario is one seeded run.
type scenario struct {
	*testing.T
	d      deployment
	f      *storetest.Faulty
	nodes  []*clusterNode
	keys   []*clusterKey
	taking sync.WaitGroup // takeovers that may wait for the network
	mu     sync.Mutex
	random *rand.Rand
	ticks  int64 // the clock of the history
	counts clusterCounts
}

func newScenario(t *testing.T, seed uint64) *scenario {
	s := &scenario{T: t, d: newDeployment(), random: rand.New(rand.NewPCG(seed, 15))}
	s.d.backend = memory.NewAt(int64(seed) * 1000)
	s.f = &storetest.Faulty{Backend: s.d.backend, Patience: 3 * time.Second}
	for _, id := range []string{"A", "B"} {
		s.nodes = append(s.nodes, must[*clusterNode](t)(s.d.node(t, id, s.f)))
	}
	for i := range 4 {
		k := &clusterKey{at: s.nodes[i%2], imported: seed%25 == 0 && i == 0, told: map[string]string{}}
		in := &api.CreateKeyRequest{}
		if k.imported {
			in.Origin = new("EXTERNAL")
		}
		out := must[any](t)(k.at.do("", "CreateKey", in)).(*api.CreateKeyResponse)
		k.id = *out.KeyMetadata.KeyId
		s.keys = append(s.keys, k)
	}
	return s
}

// n returns a random number below a bound.
func (s *scenario) n(bound int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(bound)
}

func (s *scenario) pause(most time.Duration) {
	time.Sleep(time.Duration(s.n(int(most/time.Millisecond))) * time.Millisecond)
}

func (s *scenario) tick() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ticks++
	return s.ticks
}

// next chooses the fault of a commit. Every third scenario has faults at every second commit.
func (s *scenario) next(b store.Batch) (fault storetest.Fault, delay time.Duration) {
	s.checkIdempotent(b)
	if s.n(10) < 4 {
		fault = storetest.Fault(s.n(int(storetest.Late) + 1))
	}
	if s.n(3) == 0 {
		delay = time.Duration(s.n(1500)) * time.Millisecond
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if fault >= storetest.Lost {
		s.counts.Faults++
	}
	return fault, delay
}

// checkIdempotent checks that a commit without an event reads a record that it writes, or only removes records
// whose paths are not used again.
func (s *scenario) checkIdempotent(b store.Batch) {
	checked := map[string]bool{}
	for _, c := range b.Checks {
		checked[string(c.Key)] = true
	}
	blind := false
	for _, w := range b.Writes {
		name := string(w.Key)
		if checked[name] {
			return // of an event, too: its path is checked to be absent
		}
		blind = blind || w.Value != nil || !strings.HasPrefix(name, "outbox/") && !strings.HasPrefix(name, "erase/")
	}
	if blind {
		s.Errorf("a commit that is not idempotent writes %q", b.Writes[0].Key)
	}
}

// run runs the scenario, and checks the deployment afterwards.
func (s *scenario) run() clusterCounts {
	s.f.Next = s.next
	var clients sync.WaitGroup
	for i, k := range s.keys {
		for c := range 2 {
			clients.Go(func() {
				for r := range 4 {
					s.pause(2 * time.Second)
					s.request(k, k.operation(s.n(100), c == 0), fmt.Sprintf("%d-%d-%d", i, c, r))
				}
			})
		}
	}
	s.trouble()
	clients.Wait()
	s.heal()
	s.taking.Wait()
	time.Sleep(15 * time.Second) // outcomes are found out, leftovers removed
	s.release()
	for _, n := range s.nodes {
		n.close()
	}
	s.judge()
	return s.counts
}

// trouble cuts and pauses the network, releases late commits, and lets a node take over another one.
func (s *scenario) trouble() {
	for range 6 {
		s.pause(2 * time.Second)
		switch s.n(6) {
		case 0:
			s.f.Cut(true)
			s.pause(8 * time.Second)
			s.takeOver()
			s.f.Cut(false)
		case 1:
			s.f.Pause()
			s.pause(8 * time.Second)
			s.takeOver()
			s.f.Resume()
		case 2, 3:
			s.release()
			s.takeOver()
		case 4:
			s.reclaim()
		}
	}
}

// takeOver makes the second node take over the first one, in some scenarios.
func (s *scenario) takeOver() {
	if s.n(8) == 0 && s.counts.Taken == 0 {
		s.counts.Taken++
		s.taking.Go(func() { s.counts.Voids += s.nodes[1].takeOver(s.T, s.d, s.nodes[0].id) })
	}
}

// reclaim starts a round that erases the slots that no record names. It waits for no commits, so all that keeps the
// slots of changes under way is that these changes are not made any more.
func (s *scenario) reclaim() {
	n := s.nodes[s.n(len(s.nodes))]
	s.taking.Go(func() {
		erased, err := n.ReclaimSlots(s.Context(), func(context.Context, time.Duration) error { s.pause(500 * time.Millisecond); return nil })
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.counts.Reclaimed += erased; err == nil {
			s.counts.Rounds++
		}
	})
}

func (s *scenario) heal() {
	s.f.Next = func(b store.Batch) (storetest.Fault, time.Duration) { s.checkIdempotent(b); return storetest.None, 0 }
	s.f.Cut(false)
	s.f.Resume()
}

func (s *scenario) release() {
	made, err := s.f.Release(s.Context())
	if err != nil {
		s.Error(err)
	}
	s.counts.Late += made
}

// operation chooses an operation. Only one client imports: a bubble stands still while a goroutine waits for the
// lock of the token keys, which another one holds while the network is paused.
func (k *clusterKey) operation(n int, imports bool) string {
	switch {
	case k.imported && !imports:
		return strings.Fields("DeleteImportedKeyMaterial DisableKey EnableKey Encrypt DescribeKey")[n%5]
	case k.imported:
		return strings.Fields("ImportKeyMaterial ImportKeyMaterial DeleteImportedKeyMaterial DisableKey EnableKey Encrypt DescribeKey")[n%7]
	}
	return strings.Fields("RotateKeyOnDemand RotateKeyOnDemand DisableKey EnableKey Encrypt DescribeKey ListKeyRotations")[n%7]
}

// request sends one request and notes its answer.
func (s *scenario) request(k *clusterKey, operation, id string) {
	n := k.node()
	var imported *api.ImportKeyMaterialRequest
	if operation == "ImportKeyMaterial" {
		var err error
		if imported, err = n.importRequest(id+"-parameters", k.id); err != nil {
			s.move(k, n, err)
			return
		}
	}
	called := s.tick()
	out, err := n.do(id, operation, k.input(operation, imported))
	answer, returned := answerOf(out, err), s.tick()
	s.move(k, n, err)
	if answer == answerUnknown {
		returned = math.MaxInt64
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.history = append(k.history, porcupine.Operation{Input: operation, Output: answer, Call: called, Return: returned})
	if e, ok := out.(*api.EncryptResponse); ok && err == nil {
		k.blobs = append(k.blobs, e.CiphertextBlob)
	}
	if op, _ := n.Find(operation); !op.ReadOnly {
		k.told[id] = answer
	}
}

// move sends the next requests for a key to another node, once the node knows that it was taken over.
func (s *scenario) move(k *clusterKey, from *clusterNode, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if errors.Is(err, journal.ErrFenced) && k.at == from {
		k.at = s.nodes[1]
	}
}

func (k *clusterKey) input(operation string, imported *api.ImportKeyMaterialRequest) any {
	switch operation {
	case "RotateKeyOnDemand":
		return &api.RotateKeyOnDemandRequest{KeyId: &k.id}
	case "DisableKey":
		return &api.DisableKeyRequest{KeyId: &k.id}
	case "EnableKey":
		return &api.EnableKeyRequest{KeyId: &k.id}
	case "Encrypt":
		return &api.EncryptRequest{KeyId: &k.id, Plaintext: []byte("x")}
	case "DescribeKey":
		return &api.DescribeKeyRequest{KeyId: &k.id}
	case "ListKeyRotations":
		return &api.ListKeyRotationsRequest{KeyId: &k.id}
	case "DeleteImportedKeyMaterial":
		return &api.DeleteImportedKeyMaterialRequest{KeyId: &k.id}
	}
	return imported
}

func answerOf(out any, err error) string {
	refused, isRefused := errors.AsType[*key.Error](err)
	switch out := out.(type) {
	case *api.DescribeKeyResponse:
		return *out.KeyMetadata.KeyState
	case *api.ListKeyRotationsResponse:
		return fmt.Sprint(len(out.Rotations))
	}
	switch {
	case errors.Is(err, store.ErrUnknown):
		return answerUnknown
	case isRefused && slices.Contains([]string{"DisabledException", "KMSInvalidStateException"}, string(refused.Kind)):
		return string(refused.Kind)
	case err != nil:
		return answerNotMade
	}
	return answerMade
}

// judge opens the deployment with a node that has seen nothing, and looks at everything.
func (s *scenario) judge() {
	s.Helper()
	j := must[*clusterNode](s.T)(s.d.node(s.T, "judge", s.d.backend))
	for _, n := range s.nodes {
		j.takeOver(s.T, s.d, n.id)
	}
	s.release() // commits of nodes that are fenced
	for i, k := range s.keys {
		s.judgeKey(j, i, k)
	}
	if _, err := j.ReclaimSlots(s.Context(), service.NoSleep); err != nil {
		s.Error(err)
	}
	j.close()
	if n := s.d.outbox(s.T); n != 0 {
		s.Errorf("%d records are in the outbox", n)
	}
	s.judgeEvents(j)
	found, err := integrity.Verify(s.Context(), integrity.Remains{
		Backend: s.d.backend, Slots: s.d.slots, Root: s.d.root, Log: io.NewSectionReader(strings.NewReader(""), 0, 0),
	}, func(f integrity.Finding) { s.Errorf("keyhold verify: %s", f) })
	if err != nil || len(found.Notes) > 0 {
		s.Errorf("keyhold verify: %v, %q", err, found.Notes)
	}
}

// judgeKey checks the history of a key, and that no material is lost.
func (s *scenario) judgeKey(j *clusterNode, i int, k *clusterKey) {
	s.Helper()
	k.at = j
	operations := []string{"DescribeKey", "ListKeyRotations", "EnableKey", "Encrypt"}
	if k.imported {
		operations = []string{"DescribeKey", "ImportKeyMaterial", "EnableKey", "Encrypt"}
	}
	for r, operation := range operations {
		s.request(k, operation, fmt.Sprintf("%d-judge-%d", i, r))
	}
	if porcupine.CheckOperationsTimeout(k.model(), k.history, time.Minute) != porcupine.Ok {
		s.Errorf("not linearizable: %s", k)
	}
	for _, blob := range k.blobs {
		if _, err := j.do("", "Decrypt", &api.DecryptRequest{CiphertextBlob: blob}); err != nil {
			s.Errorf("a ciphertext does not open: %v: %s", err, k)
		}
	}
}

func (k *clusterKey) String() string {
	var text strings.Builder
	for _, op := range k.history {
		fmt.Fprintf(&text, "\n%d-%d %s: %s", op.Call, op.Return, op.Input, op.Output)
	}
	return text.String()
}

// judgeEvents checks the logs: each change has one event, in one log, or in two under one ID. A change that was not
// made has no event.
func (s *scenario) judgeEvents(j *clusterNode) {
	s.Helper()
	events := map[string][]string{}
	for _, n := range append(slices.Clip(s.nodes), j) {
		for request, ids := range n.events.changes(s.T) {
			if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != len(ids) {
				s.Errorf("request %s has an event twice in the log of %s: %q", request, n.id, ids)
			}
			events[request] = append(events[request], ids...)
		}
	}
	for _, k := range s.keys {
		for request, told := range k.told {
			ids := events[request]
			n := len(slices.Compact(slices.Sorted(slices.Values(ids))))
			if n > 1 || len(ids) > 2 || told == answerMade && n != 1 || told != answerMade && told != answerUnknown && n != 0 {
				s.Errorf("request %s was %s and has the events %q", request, told, ids)
			}
			switch told {
			case answerMade:
				s.counts.Made++
			case answerUnknown:
				s.counts.Unknown++
			case answerNotMade:
				s.counts.NotMade++
			}
		}
	}
}
