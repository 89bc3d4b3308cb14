package nodes

import (
	"errors"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// A second process with the ID of a process that is silent fences it. For a while the second process confirms nothing,
// because the former one may still answer from its memory.
func TestSecondProcessFencesASilentOne(t *testing.T) {
	inCluster(t, func(c *cluster) {
		a, b := c.start("A"), c.start("B")
		time.Sleep(5 * time.Second)
		a.pause()
		clone := c.start("A")
		begun := time.Now()
		if took := b.await(); took < DefaultTiming.Bound-soon || took > DefaultTiming.Bound {
			t.Errorf("took %v", took)
		}
		time.Sleep(time.Until(begun.Add(3 * time.Second)))
		if took := b.await(); took > soon {
			t.Errorf("took %v", took)
		}
		a.resume()
		if err := <-a.cause; !errors.Is(err, journal.ErrFenced) {
			t.Errorf("the former process: %v", err)
		}
		if _, _, err := a.change(); !errors.Is(err, journal.ErrFenced) {
			t.Errorf("the former process: %v", err)
		}
		if err := errors.Join(clone.Ready(), b.Ready()); err != nil {
			t.Error(err)
		}
		a.kill()
		clone.close()
		b.close()
	})
}

// A process waits for its former process too, which may still answer from its memory: for its last changes, and for
// changes that all other nodes have confirmed. It does not wait if the former process has stopped in order.
func TestAwaitWaitsForTheFormerProcess(t *testing.T) {
	bound := DefaultTiming.Bound
	for name, test := range map[string]struct {
		end   func(p *process)
		pause time.Duration // between the change and Await, in which the other node confirms
		took  time.Duration // from the start
	}{
		"a change":                     {(*process).kill, 0, bound},
		"what others have confirmed":   {(*process).kill, 300 * time.Millisecond, bound},
		"after a stop in order":        {(*process).close, 0, 0},
		"after a stop, others confirm": {(*process).close, 300 * time.Millisecond, 300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, func(c *cluster) {
				former, b := c.start("A"), c.start("B")
				time.Sleep(5 * time.Second)
				test.end(former)
				time.Sleep(5 * time.Second)
				a := c.start("A")
				begun := time.Now()
				rev, _, err := a.change()
				time.Sleep(test.pause)
				err = errors.Join(err, a.awaitRevision(c.Context(), rev, time.Now()))
				if took := time.Since(begun); err != nil || took < test.took-soon || took > test.took+soon {
					t.Errorf("Await returned %v after the start, not %v: %v", took, test.took, err)
				}
				time.Sleep(bound)
				if took := a.await(); took > soon {
					t.Errorf("later, Await took %v", took)
				}
				a.close()
				b.close()
			})
		})
	}
}

// Two processes on copies of one data folder are started again whenever they end. One of them serves all the time.
func TestClonesDoNotFenceEachOtherForEver(t *testing.T) {
	inCluster(t, func(c *cluster) {
		a := c.start("A")
		for range 10 {
			if _, err := c.open("A"); !errors.Is(err, ErrRunning) {
				t.Fatalf("the clone: %v", err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if _, _, err := a.change(); err != nil || a.Ready() != nil {
			t.Errorf("%v, %v", err, a.Ready())
		}
		a.pause()
		clone := c.start("A")
		a.resume()
		<-a.cause
		a.kill()
		for range 10 {
			if _, err := c.open("A"); !errors.Is(err, ErrRunning) {
				t.Fatalf("the former process, started again: %v", err)
			}
		}
		if _, _, err := clone.change(); err != nil {
			t.Error(err)
		}
		clone.close()
	})
}

// The clone of a process that has begun to start, and has not joined yet, is refused too.
func TestCloneOfAProcessThatStarts(t *testing.T) {
	inCluster(t, func(c *cluster) {
		c.start("A").close()
		c.recovered = func() {
			c.recovered = nil
			if _, err := c.open("A"); !errors.Is(err, ErrRunning) {
				t.Errorf("the clone: %v", err)
			}
		}
		c.start("A").close()
	})
}

// A process that was killed can leave one heartbeat that is made late. It does not keep the next process from starting.
func TestLateHeartbeatOfAKilledProcess(t *testing.T) {
	inCluster(t, func(c *cluster) {
		a := c.start("A")
		time.Sleep(5 * time.Second)
		a.faults(func(store.Batch) (storetest.Fault, time.Duration) { return storetest.Late, 0 })
		time.Sleep(DefaultTiming.Beat)
		a.kill()
		before := c.members()["A"].Beat
		go func() {
			time.Sleep(time.Second)
			if made, err := a.faulty.Release(t.Context()); made == 0 || err != nil {
				t.Errorf("%d late commits: %v", made, err)
			}
		}()
		begun := time.Now()
		again := c.start("A")
		if took := time.Since(begun); c.members()["A"].Beat != before+2 || took > 3*DefaultTiming.Beat {
			t.Errorf("heartbeat %d after %d, started in %v", c.members()["A"].Beat, before, took)
		}
		again.close()
	})
}

// A process that has stopped in order, or that was removed, is not waited for.
func TestStartAfterAStopIsQuick(t *testing.T) {
	inCluster(t, func(c *cluster) {
		c.start("A").close()
		begun := time.Now()
		a := c.start("A")
		if took := time.Since(begun); took > soon {
			t.Errorf("took %v", took)
		}
		a.close()
	})
}

// A node is started again at the moment at which another one takes over its former process, or begins to: the start
// succeeds, however long it takes, and no event is lost.
func TestStartDuringTheTakeoverOfTheFormerProcess(t *testing.T) {
	for name, at := range map[string]string{
		"the fence is written":     "fence/A",
		"the events are moved":     "outbox/A/",
		"the takeover is finished": "confirmed/A",
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, func(c *cluster) {
				a, b := c.start("A"), c.start("B")
				time.Sleep(5 * time.Second)
				for range 20 {
					if _, _, err := a.change(); err != nil {
						t.Fatal(err)
					}
				}
				a.kill()
				c.recovered = func() { time.Sleep(2 * DefaultTiming.Silence) }
				var again *process
				b.faults(func(batch store.Batch) (storetest.Fault, time.Duration) {
					for _, w := range batch.Writes {
						if again == nil && len(w.Key) >= len(at) && string(w.Key[:len(at)]) == at {
							again = c.start("A")
						}
					}
					return storetest.None, 0
				})
				time.Sleep(2 * time.Minute)
				if again == nil || again.Ready() != nil {
					t.Fatal("the node has not started")
				}
				if _, _, err := again.change(); err != nil {
					t.Error(err)
				}
				time.Sleep(3 * time.Second)
				if m := c.members()["A"]; m.State() != "serving" || m.Events != 0 {
					t.Errorf("%+v", m)
				}
				again.close()
				b.close()
				c.checkEvents(21)
			})
		})
	}
}

// checkEvents checks that so many changes are in one log each, or after a takeover in two.
func (c *cluster) checkEvents(want int) {
	c.Helper()
	changes := 0
	err := c.store.View(c.Context(), func(v *store.View) error {
		all, err := records.Usages.Scan(v, "", "", 1000)
		for _, u := range all {
			changes++
			logs := 0
			for _, f := range c.logs {
				n := f.count(u.Path)
				logs += min(n, 1)
				if n > 1 {
					c.Errorf("a log has the event %s %d times", u.Path, n)
				}
			}
			if logs == 0 || logs > 2 {
				c.Errorf("the event %s is in %d logs", u.Path, logs)
			}
		}
		return err
	})
	if err != nil || changes != want {
		c.Errorf("%d changes: %v", changes, err)
	}
}

// A beatMemory is a Memory without a folder.
type beatMemory struct {
	beat int64
	err  error
}

func (m *beatMemory) Beat() int64 { return m.beat }

func (m *beatMemory) Keep(beat int64) error {
	if m.err == nil {
		m.beat = beat
	}
	return m.err
}

// A store that was restored has lost heartbeats. A node whose former process wrote them does not start, whether the
// process was killed or stopped in order, and although the store has grown since. It starts on its own store, and if it
// has no memory.
func TestStartOnAStoreThatLostHeartbeats(t *testing.T) {
	for name, test := range map[string]struct {
		end  func(p *process)
		lost int64 // heartbeats
		full bool  // the number of a heartbeat cannot be written
		want error
	}{
		"restored after a kill":          {(*process).kill, 1, false, ErrRewound},
		"restored after a stop in order": {(*process).close, 1, false, ErrRewound},
		"restored from long ago":         {(*process).close, 4, false, ErrRewound},
		"killed":                         {(*process).kill, 0, false, nil},
		"stopped in order":               {(*process).close, 0, false, nil},
		"without a memory":               {(*process).close, 1, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			inCluster(t, func(c *cluster) {
				memory := &beatMemory{}
				if test.full {
					memory.err = errors.New("no space")
				}
				remembers := func(c *Config) { c.Memory = memory }
				a := c.start("A", remembers)
				time.Sleep(4*DefaultTiming.Beat + DefaultTiming.Beat/2)
				if err := a.Ready(); err != nil {
					t.Error(err)
				}
				test.end(a)
				beat := c.members()["A"].Beat
				if !test.full && memory.beat != beat {
					t.Errorf("the store has heartbeat %d, and the node remembers %d", beat, memory.beat)
				}
				err := alter(t.Context(), c.store, "A", func(_ *store.Tx, r *records.Node) error { r.Beat -= test.lost; return nil })
				if err != nil {
					t.Fatal(err)
				}
				c.start("B").close()
				again, err := c.open("A", remembers)
				if !errors.Is(err, test.want) || test.want == nil && err != nil {
					t.Errorf("started again: %v", err)
				}
				if again != nil {
					again.close()
				} else if c.members()["A"].Beat != beat-test.lost {
					t.Error("the node that is refused has written a heartbeat")
				}
			})
		})
	}
}
