package nodes

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// Whatever happens to the network and the nodes: after Await, no process trusts a memory that is older than the
// revision. Afterwards each event is in a log, at most once in each, and the store has no event of a dead node.
func TestNobodyTrustsOldMemoryAfterAwait(t *testing.T) {
	for seed := range uint64(16) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inCluster(t, func(c *cluster) { (&turmoil{cluster: c, random: rand.New(rand.NewPCG(seed, 3))}).run() })
		})
	}
}

// A turmoil is one seeded run.
type turmoil struct {
	*cluster
	random  *rand.Rand
	running []*process
	all     []*process // also those that were replaced and still run
	made    []string   // changes that were acknowledged, by the paths of their records
	awaited int
}

func (r *turmoil) n(bound int) int { return r.random.IntN(bound) }

func (r *turmoil) ms(most int) time.Duration { return time.Duration(r.n(most)) * time.Millisecond }

func (r *turmoil) run() {
	for _, id := range []string{"A", "B", "C"} {
		r.running = append(r.running, r.open(id))
	}
	for range 40 {
		r.trouble(r.running[r.n(3)])
		time.Sleep(r.ms(1500))
		r.change(r.running[r.n(3)])
	}
	r.heal()
	if r.awaited < 5 {
		r.Logf("only %d changes were awaited", r.awaited)
	}
	for _, p := range r.all {
		p.kill()
	}
	r.judge()
}

func (r *turmoil) open(id string) *process {
	r.Helper()
	p := r.start(id, func(*Config) {
		r.last.faulty.Lag = func() time.Duration { return 5 * time.Millisecond }
		r.last.faulty.Patience = 2 * time.Second
	})
	r.all = append(r.all, p)
	return p
}

// trouble changes the network of a node, or replaces its process.
func (r *turmoil) trouble(p *process) {
	switch r.n(12) {
	case 0:
		p.faulty.Cut(true)
	case 1:
		p.faulty.Pause()
	case 2:
		p.faulty.SilenceWatches(true)
	case 3:
		p.faulty.Deafen()
	case 4:
		p.faulty.Break(errors.New("broken"))
	case 5:
		p.faulty.Mute(true)
	case 6:
		time.Sleep(r.ms(40_000))
	case 7:
		i := slices.Index(r.running, p)
		p.faulty.Pause()
		r.running[i] = r.open(p.id)
		p.faulty.Resume() // the former process goes on
	case 8:
		p.faults(func(store.Batch) (storetest.Fault, time.Duration) {
			return storetest.Fault(int(time.Now().UnixMilli()) % 5), 0
		})
	default:
		r.mend(p)
	}
}

func (r *turmoil) mend(p *process) {
	p.faults(nil)
	p.faulty.Cut(false)
	p.faulty.Resume()
	p.faulty.Mute(false)
	p.faulty.SilenceWatches(false)
}

// change makes a change at a node that is not paused, and looks at the memory of all processes after Await.
func (r *turmoil) change(p *process) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	id, rev, since, err := p.changeWithin(ctx)
	if err != nil {
		return
	}
	r.made = append(r.made, id)
	if err := p.awaitRevision(r.Context(), rev, since); err != nil {
		r.Error(err)
	}
	r.awaited++
	for _, q := range r.all {
		if q != p && q.Journal.Fenced() == nil && q.Store.Fresh(time.Now()) && q.Store.Told() < rev {
			r.Errorf("a process of %s trusts its memory of revision %d after Await of %d by %s", q.id, q.Store.Told(), rev, p.id)
		}
	}
}

// heal repairs the network. Nodes that were fenced start again.
func (r *turmoil) heal() {
	for _, p := range r.all {
		r.mend(p)
	}
	time.Sleep(10 * time.Second)
	for i, p := range r.running {
		if p.Journal.Fenced() != nil {
			r.running[i] = r.open(p.id)
		}
	}
	time.Sleep(90 * time.Second)
	for _, p := range r.all {
		if _, err := p.faulty.Release(r.Context()); err != nil {
			r.Error(err)
		}
	}
	for _, p := range r.running {
		if err := p.Ready(); err != nil {
			r.Errorf("%s is not ready: %v", p.id, err)
		}
		if took := p.await(); took > soon {
			r.Errorf("Await of %s took %v", p.id, took)
		}
	}
	time.Sleep(5 * time.Second)
}

// judge looks for each event.
func (r *turmoil) judge() {
	var left []store.Record[records.PendingEvent]
	err := r.store.View(r.Context(), func(v *store.View) (err error) {
		left, err = records.Outbox.Scan(v, "", "", 1000)
		return err
	})
	if err != nil || len(left) != 0 {
		r.Errorf("%d records are in the outbox: %v", len(left), err)
	}
	for _, id := range r.made {
		logs := 0
		for _, log := range r.logs {
			n := strings.Count(log.text.String(), id)
			if n > 1 {
				r.Errorf("a log has an event %d times", n)
			}
			logs += n
		}
		if logs == 0 {
			r.Error("an event of an acknowledged change is in no log")
		}
	}
}
