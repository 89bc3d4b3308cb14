package cluster

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// chaosRound is the number of scenarios with the same deployment. Afterwards its nodes are stopped, and the store and
// the logs are checked.
const chaosRound = 10

// chaosRequests is the number of requests of a client in a scenario. A client that only uses an object sends three times
// as many.
const chaosRequests = 8

// TestChaos runs scenarios on three programs of nodes and three members of etcd, and TestPostgresChaos on a primary of
// PostgreSQL with a synchronous standby. In each scenario, clients use the
// official SDK at all nodes, while processes are killed and stopped, connections are cut or held in one direction,
// syncs are slow, and clocks are wrong. All requests for an object are linearizable. At the end of a round each request
// that was answered has its event, and keyhold verify finds nothing.
//
// KEYHOLD_CHAOS is the number of scenarios, KEYHOLD_CHAOS_SEED the first of them.
func TestChaos(t *testing.T) {
	t.Parallel()
	e := &chaosEngine{servers: newServers(t, 3), faults: append(nodeFaults[:len(nodeFaults):len(nodeFaults)], etcdFaults...)}
	e.peers = behindLinks(t, e.servers)
	for _, s := range e.servers {
		s.start(t)
	}
	waitForLeader(t, e.servers)
	e.addresses = addresses(e.servers)
	e.url = func(seed int) string { return fmt.Sprintf("etcd://%s/chaos%d", strings.Join(e.addresses, ","), seed) }
	runChaos(t, e)
}

// A chaosEngine is the servers of a store, and what may happen to them and to the nodes.
type chaosEngine struct {
	addresses []string              // of the servers
	url       func(seed int) string // of the store of a round
	faults    []fault

	servers []*server // of etcd
	peers   []*link   // in front of the members of etcd
	pair    *pgPair   // of PostgreSQL
}

// runChaos runs KEYHOLD_CHAOS scenarios, or two.
func runChaos(t *testing.T, e *chaosEngine) {
	t.Helper()
	scenarios, err := strconv.Atoi(os.Getenv("KEYHOLD_CHAOS"))
	if err != nil {
		scenarios = 2
	}
	first, _ := strconv.Atoi(os.Getenv("KEYHOLD_CHAOS_SEED"))
	program := buildProgram(t, "-tags", "clockfault")
	total := map[string]int{}
	for seed := first; seed < first+scenarios && !t.Failed(); seed += chaosRound {
		r := newRound(t, e, program, seed)
		for i := range min(chaosRound, first+scenarios-seed) {
			t.Run(fmt.Sprint(seed+i), func(t *testing.T) { r.scenario(t, uint64(seed+i)) })
		}
		r.end()
		for name, n := range r.counts {
			total[name] += n
		}
	}
	for _, name := range slices.Sorted(maps.Keys(total)) {
		t.Logf("%6d %s", total[name], name)
	}
}

// A round is a deployment in which scenarios run one after the other.
type round struct {
	*deployment
	*chaosEngine
	nodes    []*keptNode
	clients  []client
	counts   map[string]int
	answered map[string]request // by the IDs of the requests that were answered
	objects  []*chaosObject     // of all scenarios
	keys     int                // at the end
}

func newRound(t *testing.T, e *chaosEngine, program string, seed int) *round {
	t.Helper()
	d := &deployment{t, t.TempDir(), program, e.url(seed), append(os.Environ(), "KEYHOLD_FAULT_BEAT=1s", "KEYHOLD_FAULT_SILENCE=15s")}
	d.init()
	r := &round{deployment: d, chaosEngine: e, counts: map[string]int{}, answered: map[string]request{}}
	for _, name := range []string{"one", "two", "three"} {
		r.nodes = append(r.nodes, d.keep(name, e))
	}
	for _, n := range r.nodes {
		n.ready(t)
	}
	identities := filepath.Join(d.dir, "identities.toml")
	if err := os.WriteFile(identities, []byte("[[user]]\nname = \"app\"\naccess_keys = 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := credentialsIn(strings.Join(d.env, "\n"))
	user := credentialsIn(d.must("export", "apply", "-f", identities, "--endpoint-url", "http://"+r.nodes[0].address))
	for _, n := range r.nodes {
		r.clients = append(r.clients, newClient(n.address, root, user))
	}
	return r
}

// credentialsIn finds an access key in the output of a command.
func credentialsIn(text string) (c aws.Credentials) {
	for _, m := range regexp.MustCompile(`AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)=(\S+)`).FindAllStringSubmatch(text, -1) {
		if m[1] == "ACCESS_KEY_ID" {
			c.AccessKeyID = m[2]
		} else {
			c.SecretAccessKey = m[2]
		}
	}
	return c
}

// A scenario is one seeded run: requests, and faults meanwhile.
type scenario struct {
	*testing.T
	*round
	seed    uint64
	objects []*chaosObject
	did     []string
	longest time.Duration // of the faults

	mu     sync.Mutex
	random *rand.Rand
	ticks  int64
	at     string // the node at which a fault began last
}

func (s *scenario) n(bound int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.random.IntN(bound)
}

func (s *scenario) tick() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ticks++
	return s.ticks
}

// within returns a random time.
func (s *scenario) within(most time.Duration) time.Duration {
	return time.Duration(s.n(int(most/time.Millisecond))) * time.Millisecond
}

func (s *scenario) node() *keptNode { return s.nodes[s.n(len(s.nodes))] }

func (s *scenario) member() *server { return s.servers[s.n(len(s.servers))] }

func (r *round) scenario(t *testing.T, seed uint64) {
	s := &scenario{T: t, round: r, seed: seed, random: rand.New(rand.NewPCG(seed, 7))}
	begun := time.Now()
	all := []object{&policedKey{}, &reimportedKey{}, &movedAlias{}, &grantedKey{}}
	for i := range 2 {
		o := &chaosObject{object: all[(int(seed)+i*(1+s.n(3)))%len(all)]}
		if i > 0 && o.object == s.objects[0].object {
			break
		}
		s.prepare(o, fmt.Sprintf("thing-%d-%d", seed, i))
	}
	plan := s.plan()
	var clients sync.WaitGroup
	for i, o := range s.objects {
		clients.Go(func() { s.change(o, fmt.Sprint(i, "-changes")) })
		clients.Go(func() { s.work(o, fmt.Sprint(i, "-works")) })
		clients.Go(func() { s.use(o, fmt.Sprint(i, "-uses")) })
	}
	s.disturb(plan)
	clients.Wait()
	for _, n := range s.nodes {
		n.ready(t)
	}
	for _, o := range s.objects {
		s.judge(o)
	}
	t.Logf("%v: %s", time.Since(begun).Round(100*time.Millisecond), strings.Join(s.did, "; "))
	if t.Failed() {
		for _, n := range s.nodes {
			t.Logf("log of %s:\n%s", n.name, n.logTail())
		}
	}
}

// prepare makes an object, also if a node or the cluster is not itself yet.
func (s *scenario) prepare(o *chaosObject, name string) {
	s.Helper()
	var err error
	for try := range 20 {
		if o.initial, err = o.prepare(s.Context(), s.clients[s.n(len(s.clients))], fmt.Sprint(name, "-", try)); err == nil {
			s.objects, s.round.objects = append(s.objects, o), append(s.round.objects, o)
			return
		}
		time.Sleep(300 * time.Millisecond)
	}
	s.T.Fatal(err)
}

// change gives and takes away the right to use an object, at nodes without a fault. The requests of a client take about
// as long as the longest fault.
func (s *scenario) change(o *chaosObject, name string) {
	all := strings.Fields(o.cycle())
	for i := range chaosRequests {
		time.Sleep(s.within((time.Second + 2*s.longest) / chaosRequests)) // half of it on average
		at := s.n(len(s.clients))
		if at == s.troubled(-1) {
			at = (at + 1) % len(s.clients)
		}
		operation := all[i%len(all)]
		s.request(o, at, request{operation, o.choose(operation, s.n), fmt.Sprintf("%d-%s-%d", s.seed, name, i)})
	}
}

// work sends all kinds of requests, at all nodes.
func (s *scenario) work(o *chaosObject, name string) {
	all := strings.Fields(o.operations())
	for i := range chaosRequests {
		time.Sleep(s.within((time.Second + 2*s.longest) / chaosRequests))
		operation := all[s.n(len(all))]
		r := request{operation, o.choose(operation, s.n), fmt.Sprintf("%d-%s-%d", s.seed, name, i)}
		s.request(o, s.n(len(s.clients)), r)
	}
}

// use sends the requests of a client that only uses an object, half of them at a node that has a fault.
func (s *scenario) use(o *chaosObject, name string) {
	all := slices.DeleteFunc(strings.Fields(o.operations()), func(operation string) bool { return !isUse(operation) })
	for i := range 3 * chaosRequests {
		time.Sleep(s.within((time.Second + 2*s.longest) / (3 * chaosRequests)))
		at := s.n(len(s.clients))
		if s.n(2) == 0 {
			at = s.troubled(at)
		}
		s.request(o, at, request{all[s.n(len(all))], "", fmt.Sprintf("%d-%s-%d", s.seed, name, i)})
	}
}

// troubled returns the node at which a fault began last, or another one if there is none.
func (s *scenario) troubled(other int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at := slices.IndexFunc(s.nodes, func(n *keptNode) bool { return n.name == s.at }); at >= 0 {
		return at
	}
	return other
}

// A planned fault begins after a pause and takes some time.
type planned struct {
	fault
	after, takes time.Duration
}

// plan chooses one or two faults, some of them until a node is taken over.
func (s *scenario) plan() (all []planned) {
	member := false
	for range 1 + s.n(2) {
		p := planned{s.faults[s.n(len(s.faults))], s.within(500 * time.Millisecond), 200*time.Millisecond + s.within(1500*time.Millisecond)}
		for p.member && member {
			p.fault = s.faults[s.n(len(s.faults))]
		}
		member = member || p.member
		if s.n(4) == 0 {
			p.takes = chaosSilence + 2500*time.Millisecond
		}
		s.longest = max(s.longest, p.takes)
		all = append(all, p)
	}
	return all
}

// disturb carries out a plan.
func (s *scenario) disturb(plan []planned) {
	var pending sync.WaitGroup
	for _, p := range plan {
		time.Sleep(p.after)
		on, end := p.begin(s)
		s.did = append(s.did, fmt.Sprintf("%s: %s for %v", p.name, on, p.takes))
		s.count(p.name)
		s.note(on)
		pending.Go(func() {
			time.Sleep(p.takes)
			end()
		})
	}
	pending.Wait()
}

// note notes where a fault began.
func (s *scenario) note(on string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.ContainsFunc(s.nodes, func(n *keptNode) bool { return n.name == on }) {
		s.at = on
	}
}

func (s *scenario) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

// end stops the nodes in order, and checks the store and the logs.
func (r *round) end() {
	r.Helper()
	if r.Failed() {
		return
	}
	r.keys = r.countKeys()
	for _, n := range r.nodes {
		n.end(syscall.SIGTERM)
		r.counts["starts of nodes"] += n.starts
		n.checkLog()
	}
	for _, n := range r.nodes {
		r.must(" is sound", "verify", "--store", r.deployment.url, "--root-key-file", "root.key", "--data", n.name)
	}
	r.judgeEvents()
}
