package cluster

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/etcd"
)

const writers = 64

// TestWriters compares the changes of 64 clients of a node with the same transactions of 64 bare clients of etcd, in
// alternating rounds on one etcd. A change is a request to the gate, without HTTP: the transaction decides about the
// request and writes the event, the event goes to the audit log on disk, and is removed from etcd. The bare clients
// send the transactions that a change has sent, with values of the same size, and the removals of the events.
//
// The operations are UpdateKeyDescription, which changes a record that exists, and CreateKey, which makes new ones. The
// bare clients share one connection, like the changes of a node: this is faster than 64 connections. KEYHOLD_WRITERS is
// the number of rounds; `make bench-cluster` sets it. On a busy machine the rates vary with the load of others; the
// ratio of the processor times varies less.
func TestWriters(t *testing.T) {
	rounds, length := 1, 300*time.Millisecond
	if n, err := strconv.Atoi(os.Getenv("KEYHOLD_WRITERS")); err == nil {
		rounds, length = n, 700*time.Millisecond
	}
	servers := startCluster(t, 1)
	n := newWritingNode(t, servers)
	bare := newBareClients(t, servers)
	for _, operation := range []string{"UpdateKeyDescription", "CreateKey"} {
		n.change(t, operation, 0) // so that memory has what the operation reads
		before := n.recorded.reset()
		n.change(t, operation, 0)
		batches := n.recorded.reset()
		if len(before) == 0 || len(batches) != 1 {
			t.Fatalf("%s: %d transactions", operation, len(batches))
		}
		var ratios, cpus []float64
		for range rounds {
			profile := startProfile(t, operation)
			ours, ourCPU := perSecond(t, servers[0].process.Process.Pid, writers, length, func(w int) { n.change(t, operation, w) })
			profile()
			views, gets := n.recorded.reads.Swap(0), n.recorded.gets.Swap(0)
			changes := ours * length.Seconds()
			theirs, theirCPU := perSecond(t, servers[0].process.Process.Pid, writers, length, func(w int) { bare.change(t, batches[0], w) })
			ratios = append(ratios, ours/theirs)
			cpus = append(cpus, float64(theirCPU)/float64(ourCPU))
			t.Logf("%s: %.0f per second with %.2f Views and %.2f Gets each, %v of CPU; bare clients %.0f, %v: %.2f, by CPU %.2f",
				operation, ours, float64(views)/changes, float64(gets)/changes, ourCPU, theirs, theirCPU, ours/theirs,
				cpus[len(cpus)-1])
		}
		slices.Sort(ratios)
		slices.Sort(cpus)
		load, _ := os.ReadFile("/proc/loadavg")
		t.Logf("%s: median %.2f of %.2f, by CPU %.2f; the bar is 0.7; load %s", operation, ratios[len(ratios)/2], ratios,
			cpus[len(cpus)/2], load)
	}
}

// perSecond returns how often some goroutines call fn in a second, after a time of warming up, and how much processor
// time this process and the process of a server together take for one call.
func perSecond(
	t *testing.T, server, writers int, length time.Duration, fn func(writer int),
) (rate float64, cpu time.Duration) {
	t.Helper()
	var count atomic.Int64
	var ended atomic.Bool
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for !ended.Load() && !t.Failed() {
				fn(w)
				count.Add(1)
			}
		})
	}
	time.Sleep(length / 4)
	before, used, begun := count.Load(), cpuOf(t, server), time.Now()
	time.Sleep(length)
	calls := max(count.Load()-before, 1)
	rate, cpu = float64(calls)/time.Since(begun).Seconds(), (cpuOf(t, server)-used)/time.Duration(calls)
	ended.Store(true)
	all.Wait()
	return rate, cpu.Round(time.Microsecond)
}

// cpuOf returns the processor time of this process and of the process of a server (proc_pid_stat(5)).
func cpuOf(t *testing.T, server int) (sum time.Duration) {
	for _, pid := range []int{os.Getpid(), server} {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0 // on another system than Linux
		}
		f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		for _, ticks := range f[11:13] { // of 10 ms, in user mode and in the kernel
			n, err := strconv.Atoi(ticks)
			if err != nil {
				t.Fatal(err)
			}
			sum += time.Duration(n) * 10 * time.Millisecond
		}
	}
	return sum
}

// startProfile writes a CPU profile of this process if KEYHOLD_PROFILE names a folder.
func startProfile(t *testing.T, name string) (stop func()) {
	folder := os.Getenv("KEYHOLD_PROFILE")
	if folder == "" {
		return func() {}
	}
	f, err := os.Create(filepath.Join(folder, name+".prof"))
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		pprof.StopCPUProfile()
		f.Close()
	}
}

// A writingNode is a node in this process, with a key for each writer.
type writingNode struct {
	*service.Service
	recorded *recorded
	keys     []string
	serial   atomic.Int64
}

func newWritingNode(t *testing.T, servers []*server) *writingNode {
	t.Helper()
	backend := open(t, config(t, servers))
	r := &recorded{Backend: backend}
	n := openWritingNode(t, r, backend.Slots())
	n.recorded = r
	return n
}

// openWritingNode returns a node on a Backend.
func openWritingNode(t *testing.T, b store.Backend, slots store.Slots) *writingNode {
	t.Helper()
	n := &writingNode{}
	log, err := audit.Open(filepath.Join(t.TempDir(), "audit.log"), audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n.Service, err = service.Open(t.Context(), service.Config{
		Backend: b, Slots: slots, Root: seal.NewEphemeralRoot(), Audit: log, Create: true,
		Clock: service.NewClock(time.Now), Log: slog.New(slog.DiscardHandler), Node: "node", Shared: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	for range writers {
		n.keys = append(n.keys, n.create(t))
	}
	return n
}

// do sends a request of the root, and returns the response as JSON.
func (n *writingNode) do(t *testing.T, operation, members string) string {
	op, _ := n.Find(operation)
	in := op.NewInput()
	if err := json.Unmarshal([]byte(members), in); err != nil {
		t.Fatal(err)
	}
	out, err := n.Do(context.Background(), service.Request{
		ID: "request", SourceIP: "192.0.2.1", UserAgent: "bench", Secure: true, Operation: op, Input: in,
		Caller: identity.Caller{Principal: identity.Root("111122223333"), Region: "us-east-1", SignedAt: time.Now()},
	})
	if err != nil {
		t.Errorf("%s: %v", operation, err)
	}
	text, err := json.Marshal(out)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

// create makes a key without material, and returns its ID.
func (n *writingNode) create(t *testing.T) string {
	_, id, _ := strings.Cut(n.do(t, "CreateKey", `{"Origin":"EXTERNAL"}`), `"KeyId":"`)
	id, _, _ = strings.Cut(id, `"`)
	return id
}

// change carries out one change of a writer.
func (n *writingNode) change(t *testing.T, operation string, writer int) {
	if operation == "CreateKey" {
		n.create(t)
		return
	}
	n.do(t, operation, fmt.Sprintf(`{"KeyId":%q,"Description":"description %09d"}`, n.keys[writer], n.serial.Add(1)))
}

// A recorded Backend keeps the Batches of changes that it commits, which have an event, and counts reads.
type recorded struct {
	*etcd.Backend
	reads, gets atomic.Int64

	mu      sync.Mutex
	batches []store.Batch
}

func (r *recorded) Commit(ctx context.Context, b store.Batch) (int64, error) {
	if slices.ContainsFunc(b.Writes, isEvent) {
		r.mu.Lock()
		r.batches = append(r.batches, b)
		r.mu.Unlock()
	}
	return r.Backend.Commit(ctx, b)
}

// isEvent reports whether a write adds an event.
func isEvent(w store.Write) bool {
	return strings.HasPrefix(string(w.Key), "outbox/") && w.Value != nil
}

// reset returns the Batches since the last reset.
func (r *recorded) reset() []store.Batch {
	r.mu.Lock()
	defer r.mu.Unlock()
	batches := r.batches
	r.batches = nil
	return batches
}

func (r *recorded) View(ctx context.Context, fn func(store.Reader) error) error {
	r.reads.Add(1)
	return r.Backend.View(ctx, func(reader store.Reader) error { return fn(countedReader{reader, r}) })
}

func (r *recorded) GetNewest(ctx context.Context, keys ...[]byte) ([]store.Item, int64, error) {
	r.gets.Add(1)
	return r.Backend.GetNewest(ctx, keys...)
}

type countedReader struct {
	store.Reader
	of *recorded
}

func (r countedReader) Get(keys ...[]byte) ([]store.Item, error) {
	r.of.gets.Add(1)
	return r.Reader.Get(keys...)
}
