package nodes

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// soon is much less than the bound.
const soon = 100 * time.Millisecond

func TestAwait(t *testing.T) {
	bound := DefaultTiming.Bound
	for name, test := range map[string]func(c *cluster, a, b, d *process){
		"alone": func(c *cluster, a, b, d *process) {
			b.close()
			d.close()
			if took := a.await(); took > soon {
				c.Errorf("took %v", took)
			}
		},
		"all connected": func(c *cluster, a, b, d *process) {
			for _, p := range []*process{a, b, d} {
				if took := p.await(); took > soon {
					c.Errorf("took %v", took)
				}
			}
		},
		"one cut off": func(c *cluster, a, b, d *process) {
			b.cut(true)
			if took := a.await(); took != bound {
				c.Errorf("took %v", took)
			}
			b.cut(false)
			time.Sleep(time.Second)
			if took := a.await(); took > soon {
				c.Errorf("took %v", took)
			}
		},
		"one without its feed": func(c *cluster, a, b, d *process) {
			b.faulty.SilenceWatches(true)
			if took := a.await(); took > bound || took < soon {
				c.Errorf("took %v", took)
			}
			b.faulty.SilenceWatches(false)
		},
		"one that cannot commit": func(c *cluster, a, b, d *process) {
			b.faults(func(store.Batch) (storetest.Fault, time.Duration) { return storetest.Refused, 0 })
			if took := a.await(); took != bound {
				c.Errorf("took %v", took)
			}
		},
		"the store is silent": func(c *cluster, a, b, d *process) {
			rev, since, err := a.change()
			a.pause()
			err = errors.Join(err, a.awaitRevision(c.Context(), rev+1, since))
			if took := time.Since(since); err != nil || took != bound {
				c.Errorf("took %v: %v", took, err)
			}
			a.resume()
		},
		"the client leaves": func(c *cluster, a, b, d *process) {
			b.cut(true)
			rev, since, err := a.change()
			ctx, cancel := context.WithTimeout(c.Context(), soon)
			defer cancel()
			if err := errors.Join(err, a.awaitRevision(ctx, rev, since)); !errors.Is(err, context.DeadlineExceeded) || time.Since(since) != soon {
				c.Errorf("took %v: %v", time.Since(since), err)
			}
		},
		"the commit is long ago": func(c *cluster, a, b, d *process) {
			b.cut(true)
			rev, since, err := a.change()
			time.Sleep(bound)
			if err := errors.Join(err, a.awaitRevision(c.Context(), rev, since)); err != nil || time.Since(since) != bound {
				c.Errorf("took %v: %v", time.Since(since), err)
			}
		},
		"one killed, then taken over": func(c *cluster, a, b, d *process) {
			b.kill()
			if took := a.await(); took != bound {
				c.Errorf("took %v", took)
			}
			time.Sleep(DefaultTiming.Silence + 5*time.Second)
			if took := a.await(); took > soon {
				c.Errorf("took %v", took)
			}
		},
		"one removed": func(c *cluster, a, b, d *process) {
			b.close()
			if err := Remove(c.Context(), c.store, "B", nil); err != nil {
				c.Error(err)
			}
			time.Sleep(5 * time.Second)
			if took := a.await(); took > soon {
				c.Errorf("took %v", took)
			}
		},
		"one that joins": func(c *cluster, a, b, d *process) {
			rev, since, err := a.change()
			e := c.start("E")
			if err := errors.Join(err, a.awaitRevision(c.Context(), rev, since)); err != nil || time.Since(since) > soon {
				c.Errorf("took %v: %v", time.Since(since), err)
			}
			if e.Store.Told() < rev {
				c.Error("a node has joined whose memory is older than a change that was acknowledged")
			}
			e.cut(true)
			if took := a.await(); took != bound {
				c.Errorf("nobody waits for the new node: took %v", took)
			}
			e.kill()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, func(c *cluster) {
				all := []*process{c.start("A"), c.start("B"), c.start("D")}
				time.Sleep(time.Second)
				test(c, all[0], all[1], all[2])
				for _, p := range all {
					if p.life.Err() == nil {
						p.kill()
					}
				}
			})
		})
	}
}

// A node does not join before its memory has all that was acknowledged before.
func TestJoinWaitsForTheFeed(t *testing.T) {
	const lag = 500 * time.Millisecond
	inCluster(t, func(c *cluster) {
		begun := time.Now()
		a := c.start("A", func(config *Config) { c.last.faulty.Lag = func() time.Duration { return lag } })
		if took := time.Since(begun); took < lag {
			t.Errorf("the node has joined after %v", took)
		}
		a.close()
	})
}

// Nodes that have nothing to do write their heartbeats, and no confirmation causes another one.
func TestIdleNodesWriteOnlyHeartbeats(t *testing.T) {
	inCluster(t, func(c *cluster) {
		a, b, d := c.start("A"), c.start("B"), c.start("D")
		time.Sleep(10 * time.Second)
		a.await()
		time.Sleep(10 * time.Second)
		before := c.revision()
		time.Sleep(time.Minute)
		if n := c.revision() - before; n < 3*29 || n > 3*31 {
			t.Errorf("%d commits in a minute", n)
		}
		a.close()
		b.close()
		d.close()
		for id, m := range c.members() {
			if m.Serving || m.State() != "stopped" || m.Address != id+".example" || m.Version != "v1" {
				t.Errorf("%s: %+v", id, m)
			}
		}
	})
}

// revision returns the revision of the Backend.
func (c *cluster) revision() (rev int64) {
	c.Helper()
	if err := c.backend.View(c.Context(), func(r store.Reader) error { rev = r.Rev(); return nil }); err != nil {
		c.Fatal(err)
	}
	return rev
}

// A node that was killed is taken over by one other node, with its events.
func TestDeadNodeIsTakenOver(t *testing.T) {
	inCluster(t, func(c *cluster) {
		a, b, d := c.start("A"), c.start("B"), c.start("D")
		time.Sleep(3 * time.Second)
		for range 20 {
			if _, _, err := a.change(); err != nil {
				t.Fatal(err)
			}
		}
		a.kill()
		time.Sleep(DefaultTiming.Silence - 3*time.Second)
		if !c.members()["A"].Serving {
			t.Error("the node was taken over at once")
		}
		time.Sleep(8 * time.Second)
		m := c.members()["A"]
		if m.State() != "dead" || m.Events != 0 {
			t.Errorf("%+v", m)
		}
		time.Sleep(time.Minute)
		b.close()
		d.close()
		recovered := b.events.count(`"recoveredFrom":"A"`) + d.events.count(`"recoveredFrom":"A"`)
		if recovered != 20 || b.events.count("TakeOverNode")+d.events.count("TakeOverNode") != 1 {
			t.Errorf("%d events were recovered: %s%s", recovered, b.events.text.String(), d.events.text.String())
		}
	})
}

// Nobody is taken over because everybody was paused or cut off, or only the one who judges.
func TestPausesOfTheJudges(t *testing.T) {
	for name, pause := range map[string]func(a, b *process){
		"all are paused":  func(a, b *process) { a.pause(); b.pause(); time.Sleep(time.Hour); a.resume(); b.resume() },
		"all are cut off": func(a, b *process) { a.cut(true); b.cut(true); time.Sleep(time.Hour); a.cut(false); b.cut(false) },
		"a beat in between": func(a, b *process) {
			a.pause()
			time.Sleep(12 * time.Second)
			a.resume()
			time.Sleep(3 * time.Second)
			a.pause()
			time.Sleep(12 * time.Second)
			a.resume()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, func(c *cluster) {
				a, b := c.start("A"), c.start("B")
				time.Sleep(5 * time.Second)
				pause(a, b)
				time.Sleep(10 * time.Second)
				if err := errors.Join(a.Ready(), b.Ready()); err != nil {
					t.Error(err)
				}
				a.close()
				b.close()
			})
		})
	}
}

// A node that was paused and taken over stops when it goes on, and its late commit is not made.
func TestPausedNodeStopsAfterItsTakeover(t *testing.T) {
	inCluster(t, func(c *cluster) {
		a, b := c.start("A"), c.start("B")
		time.Sleep(5 * time.Second)
		a.pause()
		late := make(chan error)
		go func() { _, _, err := a.change(); late <- err }()
		time.Sleep(time.Minute)
		if c.members()["A"].Serving {
			t.Fatal("the node was not taken over")
		}
		a.resume()
		if err := <-late; !errors.Is(err, journal.ErrFenced) {
			t.Errorf("the late commit: %v", err)
		}
		if err := <-a.cause; !errors.Is(err, journal.ErrFenced) || !errors.Is(a.Ready(), journal.ErrFenced) {
			t.Errorf("%v, ready %v", err, a.Ready())
		}
		a.kill()
		b.close()
	})
}

// A node whose feed works but that cannot commit is fenced while it answers from its memory. It stops as soon as the
// feed tells the fence, and before the feed tells that the memory is up to date.
func TestFeedTellsTheFence(t *testing.T) {
	inCluster(t, func(c *cluster) {
		a := c.start("A")
		time.Sleep(700 * time.Millisecond) // so that A has no heartbeat when B takes it over
		b := c.start("B")
		time.Sleep(5 * time.Second)
		a.faults(func(store.Batch) (storetest.Fault, time.Duration) { return storetest.Refused, 0 })
		fenced := time.Time{}
		stopped := time.Time{}
		go func() { <-a.cause; stopped = time.Now() }()
		go func() {
			_ = c.backend.Watch(c.Context(), c.revision(), func(change store.Change) error {
				if string(change.Keys[0]) == "fence/A" {
					fenced = time.Now()
					return context.Canceled
				}
				return nil
			})
		}()
		time.Sleep(time.Minute)
		synctest.Wait()
		if fenced.IsZero() || stopped.Sub(fenced).Abs() > soon {
			t.Errorf("fenced at %v, stopped at %v", fenced, stopped)
		}
		a.kill()
		b.close()
	})
}

// A node that reads but cannot commit is taken over, and hears of its fence late. Until then the others wait for it.
func TestNobodyForgetsANodeTooEarly(t *testing.T) {
	inCluster(t, func(c *cluster) {
		a := c.start("A", func(*Config) { c.last.faulty.Lag = func() time.Duration { return 500 * time.Millisecond } })
		b := c.start("B")
		time.Sleep(5 * time.Second)
		a.faults(func(store.Batch) (storetest.Fault, time.Duration) { return storetest.Refused, 0 })
		trusted := 0
		for range 100 {
			time.Sleep(100 * time.Millisecond)
			rev, since, err := b.change()
			if err = errors.Join(err, b.awaitRevision(c.Context(), rev, since)); err != nil {
				t.Error(err)
			}
			if a.Journal.Fenced() == nil && a.Store.Fresh(time.Now()) {
				if trusted++; a.Store.Told() < rev {
					t.Errorf("A trusts its memory of revision %d after Await of %d", a.Store.Told(), rev)
				}
			}
		}
		if trusted < 5 || a.Journal.Fenced() == nil || c.members()["A"].Serving {
			t.Errorf("A trusted its memory %d times; fenced: %v", trusted, a.Journal.Fenced())
		}
		a.kill()
		b.close()
	})
}

// A node refuses everything when the store has lost its heartbeat, or has one that the node did not write.
func TestHeartbeatsThatAreNotOurs(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*records.Node)
		want   error
	}{
		"rewound":    {func(r *records.Node) { r.Beat -= 2 }, ErrRewound},
		"other":      {func(r *records.Node) { r.Incarnation = "X" }, ErrRewound},
		"twin":       {func(r *records.Node) { r.Beat += 5 }, ErrTwin},
		"no problem": {func(r *records.Node) { r.Draining = false }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, func(c *cluster) {
				a := c.start("A")
				time.Sleep(9 * time.Second)
				if err := alter(t.Context(), c.store, "A", func(_ *store.Tx, r *records.Node) error { test.change(r); return nil }); err != nil {
					t.Fatal(err)
				}
				time.Sleep(3 * time.Second)
				if err := a.Ready(); !errors.Is(err, test.want) || test.want == nil && err != nil {
					t.Errorf("got %v", err)
				}
				if _, _, err := a.change(); !errors.Is(err, test.want) || test.want == nil && err != nil {
					t.Errorf("a change: %v", err)
				}
				a.kill()
			})
		})
	}
}

// Heartbeats whose outcome is unknown, or that come late, do not stop a node.
func TestHeartbeatsOfUnknownOutcome(t *testing.T) {
	for _, fault := range []storetest.Fault{storetest.Refused, storetest.Lost, storetest.Silent, storetest.Late} {
		inCluster(t, func(c *cluster) {
			a := c.start("A")
			n := 0
			a.faults(func(store.Batch) (storetest.Fault, time.Duration) {
				if n++; n%5 != 0 {
					return fault, 0
				}
				return storetest.None, 0
			})
			for range 30 {
				time.Sleep(time.Second)
				if _, err := a.faulty.Release(t.Context()); err != nil {
					t.Error(err)
				}
			}
			if err := a.Ready(); err != nil || c.members()["A"].Beat < 5 {
				t.Errorf("%v: %v", fault, err)
			}
			a.faults(nil)
			a.close()
		})
	}
}

// One clock is wrong: of three nodes, its node is not ready and destroys nothing. Of two nodes, nobody knows which,
// so both destroy nothing.
func TestClocks(t *testing.T) {
	inCluster(t, func(c *cluster) {
		a, b, d := c.start("A"), c.start("B"), c.start("D")
		state := func(want ...bool) {
			t.Helper()
			time.Sleep(10 * time.Second)
			for i, p := range []*process{a, b, d} {
				if i < len(want)/2 && ((p.Ready() == nil) != want[2*i] || (p.Clock() == nil) != want[2*i+1]) {
					t.Errorf("%s: ready %v, clock %v", p.id, p.Ready(), p.Clock())
				}
			}
		}
		state(true, true, true, true, true, true)
		a.ahead.Store(int64(DefaultTiming.Skew - time.Millisecond))
		state(true, true, true, true, true, true)
		a.ahead.Store(int64(DefaultTiming.Skew + time.Millisecond))
		state(false, false, true, true, true, true)
		a.ahead.Store(-int64(time.Hour))
		state(false, false, true, true, true, true)
		d.close()
		state(true, false, true, false)
		a.ahead.Store(0)
		state(true, true, true, true)
		a.close()
		b.close()
	})
}

// A level is raised when the last node that does not know it has stopped, and an older node cannot join then.
func TestLevels(t *testing.T) {
	older := func(c *Config) { c.Level = 1 }
	newer := func(c *Config) {
		c.Level = 2
		c.LastEvent = func() audit.Mark { return audit.Mark{Event: "an event"} }
	}
	inCluster(t, func(c *cluster) {
		a, b := c.start("A", older), c.start("B", newer)
		time.Sleep(10 * time.Second)
		if a.CommonLevel() != 1 || b.CommonLevel() != 1 {
			t.Errorf("levels %d and %d", a.CommonLevel(), b.CommonLevel())
		}
		if m := c.members()["B"]; m.LastEvent != "" {
			t.Errorf("while an older node runs, the record is %+v", m)
		}
		a.close()
		time.Sleep(5 * time.Second)
		if b.CommonLevel() != 2 {
			t.Errorf("level %d", b.CommonLevel())
		}
		time.Sleep(5 * time.Second)
		if m := c.members()["B"]; m.LastEvent != "an event" {
			t.Errorf("when no older node runs, the record is %+v", m)
		}
		if _, err := c.open("A", older); !errors.Is(err, ErrNewerLevel) {
			t.Errorf("an older node: %v", err)
		}
		a = c.start("A", newer)
		a.close()
		b.close()
	})
}

// An older node joins between the look and the commit that raises the level: the commit conflicts.
func TestLevelAndJoin(t *testing.T) {
	inCluster(t, func(c *cluster) {
		b := c.start("B", func(c *Config) { c.Level = 2 })
		var a *process
		b.faults(func(batch store.Batch) (storetest.Fault, time.Duration) {
			if string(batch.Writes[0].Key) == "cluster/level" && a == nil {
				a = c.start("A", func(c *Config) { c.Level = 1 })
			}
			return storetest.None, 0
		})
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if a == nil || b.CommonLevel() != 1 || a.CommonLevel() != 1 {
			t.Errorf("the level was raised to %d", b.CommonLevel())
		}
		a.close()
		b.close()
	})
}

func TestNodeIDs(t *testing.T) {
	for id, ok := range map[string]bool{"A": true, "node-1": true, "": false, "a/b": false, "a b": false, string(make([]byte, 65)): false} {
		if records.ValidNodeID(id) != ok {
			t.Errorf("%q", id)
		}
	}
	inCluster(t, func(c *cluster) {
		if _, err := c.open("a_b"); err == nil {
			t.Error("joined")
		}
	})
}

// Operators drain and remove nodes.
func TestOperators(t *testing.T) {
	inCluster(t, func(c *cluster) {
		a, b := c.start("A", func(config *Config) { config.LastEvent = c.last.lastEvent }), c.start("B")
		ctx := t.Context()
		if err := Drain(ctx, c.store, "X", true); !errors.Is(err, ErrNoNode) {
			t.Errorf("an unknown node: %v", err)
		}
		if err := Drain(ctx, c.store, "A", true); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		if !errors.Is(a.Ready(), errDraining) || b.Ready() != nil || c.members()["A"].State() != "draining" {
			t.Errorf("%v, %v", a.Ready(), b.Ready())
		}
		if err := Drain(ctx, c.store, "A", false); err != nil {
			t.Error(err)
		}
		time.Sleep(5 * time.Second)
		if a.Ready() != nil {
			t.Error(a.Ready())
		}
		if err := Remove(ctx, c.store, "A", nil); !errors.Is(err, ErrServing) {
			t.Errorf("removal of a node that runs: %v", err)
		}
		for range 2 {
			if _, _, err := a.change(); err != nil {
				t.Error(err)
			}
		}
		a.close()
		text := a.events.text.String()
		first, second, _ := strings.Cut(text, "\n")
		for _, wrong := range []string{"", first + "\n", text[:len(text)-1], strings.Repeat("x", len(text)), second + first + "\n"} {
			if err := Remove(ctx, c.store, "A", sections(wrong)); !errors.Is(err, ErrLogMissing) || !errors.Is(err, audit.ErrNotWhole) {
				t.Errorf("removal with %d of %d bytes: %v", len(wrong), len(text), err)
			}
		}
		if err := Remove(ctx, c.store, "A", sections(text+second)); err != nil {
			t.Error(err)
		}
		if c.members()["A"].State() != "removed" {
			t.Error(c.members()["A"].State())
		}
		time.Sleep(10 * time.Second)
		if _, ok := c.members()["A"]; ok || b.events.count("RemoveNode") != 1 {
			t.Errorf("the node is there, or the removal has %d events", b.events.count("RemoveNode"))
		}
		b.close()
	})
}

func sections(text string) *io.SectionReader {
	return io.NewSectionReader(strings.NewReader(text), 0, int64(len(text)))
}

// A node with an audit log joins only the deployment that knows it.
func TestNodeOfAnotherDeployment(t *testing.T) {
	withLog := func(c *Config) { c.LastEvent = func() audit.Mark { return audit.Mark{Bytes: 1} } }
	inCluster(t, func(c *cluster) {
		if _, err := c.open("A", withLog); !errors.Is(err, ErrStranger) || len(c.members()) != 0 {
			t.Errorf("%v, and the members are %v", err, c.members())
		}
		c.start("A").close()
		c.start("A", withLog).close()
	})
}

// A node that is started again is not removed.
func TestRemovalOfANodeThatComesBack(t *testing.T) {
	inCluster(t, func(c *cluster) {
		c.start("A").close()
		if err := Remove(t.Context(), c.store, "A", nil); err != nil {
			t.Fatal(err)
		}
		a := c.start("A")
		b := c.start("B")
		time.Sleep(time.Minute)
		if err := a.Ready(); err != nil || c.members()["A"].State() != "serving" {
			t.Errorf("%v: %s", err, c.members()["A"].State())
		}
		synctest.Wait()
		a.close()
		b.close()
	})
}
