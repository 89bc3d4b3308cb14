package policy_test

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/policy/hostile"
)

// Policies that are made to be expensive stay within the work limit, are explained as they are decided, and
// take memory in proportion to their text. The search mutates the most expensive policies so far.
// KEYHOLD_HOSTILE is the number of policies.
func TestHostilePolicies(t *testing.T) {
	n, seed := number(t, "KEYHOLD_HOSTILE", 400), number(t, "KEYHOLD_SEED", rand.Uint64())
	t.Logf("%d policies, of the seed %d", n, seed)
	r := rand.New(rand.NewPCG(seed, 1))
	var best hostile.Genes
	most, reached, refused := -1, uint64(0), uint64(0)
	for i := range n {
		g := best.Mutate(r)
		if i%2 == 0 {
			g = hostile.Random(r)
		}
		q := g.Question()
		before := heapAllocations()
		d, err := q.Parse()
		took := heapAllocations() - before
		if err != nil {
			refused++
			continue
		}
		size := len(q.Key)
		for _, text := range append(append(q.Identity, q.Session...), q.Boundary) {
			size += len(text)
		}
		if took > uint64(200*size) {
			t.Errorf("seed %d, policy %d: to read %d bytes took %d", seed, i, size, took)
		}
		work := policy.Work(q.Request, d, nil)
		if asked := q.Lookups(); work > policy.MaxWork || asked > policy.MaxWork/300 {
			t.Errorf("seed %d, policy %d: work %d, %d values", seed, i, work, asked)
		}
		if decided, explained := policy.Decide(q.Request, d, nil), policy.Explain(q.Request, d, nil).Decision; decided != explained {
			t.Errorf("seed %d, policy %d: %+v is explained as %+v", seed, i, decided, explained)
		}
		if work > policy.MaxWork/2 {
			reached++
		}
		if work > most && work < policy.MaxWork*9/10 { // all policies that reach the limit are alike
			best, most = g, work
		}
	}
	t.Logf("%d of %d come near the bound, %d do not parse", reached, n, refused)
	if n >= 200 && (reached < n/20 || refused > n/4) {
		t.Error("too few policies come near the bound, or too many do not parse")
	}
}

func heapAllocations() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}
