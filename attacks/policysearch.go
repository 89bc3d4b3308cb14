package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/keyhold/keyhold/internal/policy"
	"github.com/keyhold/keyhold/internal/policy/hostile"
)

// hostilePolicies is the number of policies that the search tries.
const hostilePolicies = 100_000

// policyTime is the bar for a decision, and for parsing one document.
const policyTime = 5 * time.Millisecond

// A worst is a question of a search with its processor time.
type worst struct {
	genes hostile.Genes
	took  time.Duration
}

// A search mutates the questions that cost the most so far.
type search struct {
	mu            sync.Mutex
	decided, read worst
	bestDecision  [16]worst // candidates for mutation
	policies      int
}

// searchPolicies searches for the most expensive policies on all processors. It measures processor time, so
// that other work on the machine does not count.
func searchPolicies(ctx context.Context) (string, error) {
	s := &search{}
	seed := rand.Uint64()
	var all sync.WaitGroup
	for w := range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			r := rand.New(rand.NewPCG(seed, uint64(w)))
			for s.more() && ctx.Err() == nil {
				s.try(s.next(r))
			}
		})
	}
	all.Wait()
	figure := fmt.Sprintf("%d policies of the seed %d: a decision takes %.2f ms at most, reading a policy %.2f ms",
		s.policies, seed, ms(s.decided.took), ms(s.read.took))
	if ctx.Err() != nil {
		return figure, ctx.Err()
	}
	return figure, checkBar(s.decided.took <= policyTime && s.read.took <= policyTime, "more than %v", policyTime)
}

// more reports whether there are policies left to try.
func (s *search) more() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.policies++
	if s.policies > hostilePolicies {
		s.policies = hostilePolicies
		return false
	}
	return true
}

// next returns random genes, or a mutation of expensive ones.
func (s *search) next(r *rand.Rand) hostile.Genes {
	if r.IntN(3) == 0 {
		return hostile.Random(r)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.IntN(4) {
	case 0:
		return s.read.genes.Mutate(r)
	case 1:
		return s.decided.genes.Mutate(r)
	}
	return s.bestDecision[r.IntN(len(s.bestDecision))].genes.Mutate(r)
}

// try measures a question. It measures slow questions again, because the processor may have been slow.
func (s *search) try(g hostile.Genes) {
	q := g.Question()
	read := leastOf(5, s.read.took, func() { policy.Parse(q.Key, policy.KeyPolicy) })
	d, err := q.Parse()
	if err != nil {
		return // not a policy that could be stored
	}
	decided := leastOf(5, s.decided.took, func() { policy.Decide(q.Request, d, nil) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if read > s.read.took {
		s.read = worst{g, read}
	}
	if decided > s.decided.took {
		s.decided = worst{g, decided}
	}
	least := 0
	for i, b := range s.bestDecision {
		if b.took < s.bestDecision[least].took {
			least = i
		}
	}
	if decided > s.bestDecision[least].took {
		s.bestDecision[least] = worst{g, decided}
	}
}

// leastOf returns the shortest processor time of run: of one call, or of n calls if the first took more than
// enough.
func leastOf(n int, enough time.Duration, run func()) time.Duration {
	least := processorTime(run)
	for range n - 1 {
		if least <= enough {
			break
		}
		least = min(least, processorTime(run))
	}
	return least
}

// processorTime returns the processor time of run. The caller must have locked its thread.
func processorTime(run func()) time.Duration {
	begun := threadTime()
	run()
	return threadTime() - begun
}

func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
