package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// onFaulty runs a test in a bubble on a deployment behind an unreliable network.
func onFaulty(t *testing.T, test func(d *deployment, f *storetest.Faulty)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment(t)
		d.faulty = &storetest.Faulty{Backend: d.backend}
		d.store = store.New(d.faulty, d.sealer)
		test(d, d.faulty)
	})
}

// plan makes the next commits have these faults, and the others none.
func (d *deployment) plan(next ...storetest.Fault) {
	var mu sync.Mutex
	d.faulty.Next = func(store.Batch) (fault storetest.Fault, _ time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if len(next) > 0 {
			fault, next = next[0], next[1:]
		}
		return fault, 0
	}
}

// made reports whether the change of an event is in the store. Each event has a change of its own.
func (d *deployment) made(id string) (ok bool) {
	d.Helper()
	err := store.New(d.backend, d.sealer).View(d.Context(), func(v *store.View) (err error) {
		_, ok, err = records.Usages.Get(v, id)
		return err
	})
	if err != nil {
		d.Fatal(err)
	}
	return ok
}

// change makes the change of a new event.
func (d *deployment) change(ctx context.Context, j *Journal) (id string, err error) {
	id = NewEventID()
	return id, j.Update(ctx, func(tx *store.Tx) error {
		return records.Usages.Put(tx, id, records.Usage{EventID: id})
	}, audit.Event{EventID: id})
}

// release makes the late commits and returns how many were made.
func (d *deployment) release() int {
	d.Helper()
	made, err := d.faulty.Release(d.Context())
	if err != nil {
		d.Fatal(err)
	}
	return made
}

// takeOver does what a node does that takes over another one: it writes the fence, and removes the events after
// it has brought them to its own log.
func (d *deployment) takeOver() (ids []string) {
	d.Helper()
	s := store.New(d.backend, d.sealer)
	err := s.Update(d.Context(), func(tx *store.Tx) error {
		_, _, err := records.Fences.Get(tx, node)
		return errors.Join(err, records.Fences.Put(tx, node, records.Fence{Incarnation: records.NewNodeID()}))
	})
	var left []store.Record[records.PendingEvent]
	err = errors.Join(err, s.View(d.Context(), func(v *store.View) (err error) {
		left, err = records.Outbox.Scan(v, node+"/", "", 1000)
		return err
	}))
	err = errors.Join(err, s.Update(d.Context(), func(tx *store.Tx) (err error) {
		for _, r := range left {
			err = errors.Join(err, records.Outbox.Delete(tx, r.Path))
		}
		return err
	}))
	if err != nil {
		d.Fatal(err)
	}
	for _, r := range left {
		if !r.Value.Void {
			ids = append(ids, strings.TrimPrefix(r.Path, node+"/"))
		}
	}
	return ids
}

// An unknown outcome is found out, also if the store does not tell the outcome of that either. A commit that comes
// late is not made, even after the void record is gone.
func TestUnknownOutcomesAreResolved(t *testing.T) {
	const lost, silent, late = storetest.Lost, storetest.Silent, storetest.Late
	for _, test := range []struct {
		name   string
		faults []storetest.Fault
		made   bool
	}{
		{"made", []storetest.Fault{silent}, true},
		{"not made", []storetest.Fault{lost}, false},
		{"late", []storetest.Fault{late}, false},
		{"the void is lost", []storetest.Fault{lost, lost, lost}, false},
		{"the void is made", []storetest.Fault{lost, silent}, false},
		{"the void is late", []storetest.Fault{lost, late, late}, false},
		{"all is late", []storetest.Fault{late, late, late, late}, false},
		{"refused meanwhile", []storetest.Fault{late, storetest.Refused, storetest.Refused}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			onFaulty(t, func(d *deployment, f *storetest.Faulty) {
				d.run(func(j *Journal) {
					d.plan(test.faults...)
					id, err := d.change(d.Context(), j)
					switch {
					case test.made && err != nil, !test.made && !errors.Is(err, ErrNotMade), d.made(id) != test.made:
						t.Errorf("made %v: %v", d.made(id), err)
					}
					time.Sleep(2 * leftoverPause)
					if made := d.release(); made > 0 || d.made(id) != test.made {
						t.Errorf("%d commits were made late", made)
					}
					if want := map[bool]int{true: 1}[test.made]; d.countLogged(id) != want || d.countPending() != 0 {
						t.Errorf("the log has %d events, the outbox %d", d.countLogged(id), d.countPending())
					}
					if id, err = d.change(d.Context(), j); err != nil || !d.made(id) {
						t.Errorf("the next change: %v", err)
					}
				})
			})
		})
	}
}

// A change that was not made leaves its room in a quota to the next one.
func TestResolvedOutcomesLeaveRoom(t *testing.T) {
	for fault, more := range map[storetest.Fault]int{storetest.Lost: 2, storetest.Silent: 1} {
		onFaulty(t, func(d *deployment, f *storetest.Faulty) {
			d.store.Limit(store.Quota{Name: "uses", Prefix: records.Usages.Prefix, Limit: 2})
			d.run(func(j *Journal) {
				d.plan(fault)
				if _, err := d.change(d.Context(), j); err != nil && !errors.Is(err, ErrNotMade) {
					t.Error(err)
				}
				for range more {
					if _, err := d.change(d.Context(), j); err != nil {
						t.Errorf("within the quota: %v", err)
					}
				}
				_, err := d.change(d.Context(), j)
				if _, full := errors.AsType[*store.QuotaError](err); !full {
					t.Errorf("beyond the quota: %v", err)
				}
			})
		})
	}
}

// The first hole: a process that takes over the node removes the event of the change, so the path of the event is
// free. The node must not conclude that the change was not made.
func TestTakeoverBetweenCommitAndVoid(t *testing.T) {
	for _, moment := range []string{"before the outcome is looked for", "between the look and the void"} {
		t.Run(moment, func(t *testing.T) {
			onFaulty(t, func(d *deployment, f *storetest.Faulty) {
				var taken []string
				fenced := 0
				d.onFenced = func(err error) { fenced++ }
				d.run(func(j *Journal) {
					commits := 0
					f.Next = func(b store.Batch) (storetest.Fault, time.Duration) {
						commits++
						switch {
						case commits == 1 && moment == "before the outcome is looked for":
							if _, err := d.backend.Commit(d.Context(), b); err != nil {
								t.Error(err)
							}
							taken = d.takeOver()
							return storetest.Lost, 0
						case commits == 1:
							return storetest.Late, 0
						case commits == 2:
							d.release()
							taken = d.takeOver()
						}
						return storetest.None, 0
					}
					id, err := d.change(d.Context(), j)
					if !errors.Is(err, store.ErrUnknown) || errors.Is(err, ErrNotMade) {
						t.Errorf("got %v", err)
					}
					if !d.made(id) || len(taken) != 1 || taken[0] != id {
						t.Errorf("made %v, taken %q", d.made(id), taken)
					}
					if _, err := d.change(d.Context(), j); !errors.Is(err, ErrFenced) || !errors.Is(j.Fenced(), ErrFenced) {
						t.Errorf("the next change: %v", err)
					}
					synctest.Wait()
				})
				if fenced != 1 {
					t.Errorf("told %d times", fenced)
				}
			})
		})
	}
}

// The second hole: without a void record and with the old fence, a commit that is late would be made.
func TestLateCommitAfterTheVoidIsGone(t *testing.T) {
	for name, removed := range map[string]func(d *deployment){
		"by the node":       func(d *deployment) { time.Sleep(2 * leftoverPause) },
		"by a takeover":     func(d *deployment) { d.onFenced = func(error) {}; d.takeOver() },
		"by the next start": nil,
	} {
		t.Run(name, func(t *testing.T) {
			onFaulty(t, func(d *deployment, f *storetest.Faulty) {
				var id string
				d.run(func(j *Journal) {
					d.plan(storetest.Late)
					var err error
					if id, err = d.change(d.Context(), j); !errors.Is(err, ErrNotMade) {
						t.Fatal(err)
					}
					if d.killed = removed == nil; d.killed {
						f.Cut(true)
						return
					}
					removed(d)
				})
				f.Cut(false)
				if d.killed = false; removed == nil {
					d.run(func(j *Journal) {
						if err := j.Recover(d.Context()); err != nil {
							t.Fatal(err)
						}
					})
				}
				if d.countPending() != 0 {
					t.Fatalf("%d records are in the outbox", d.countPending())
				}
				if made := d.release(); made != 0 || d.made(id) {
					t.Errorf("%d commits were made after the void was removed", made)
				}
			})
		})
	}
}

// A void record that comes late, when the event is in the log and was removed from the store, is not made.
func TestVoidThatIsLate(t *testing.T) {
	onFaulty(t, func(d *deployment, f *storetest.Faulty) {
		d.run(func(j *Journal) {
			commits := 0
			f.Next = func(store.Batch) (storetest.Fault, time.Duration) {
				switch commits++; commits {
				case 1:
					return storetest.Late, 0
				case 2: // the void
					d.release()
					return storetest.Late, 0
				}
				return storetest.None, 0
			}
			id, err := d.change(d.Context(), j)
			if err != nil || !d.made(id) {
				t.Errorf("made %v: %v", d.made(id), err)
			}
			time.Sleep(2 * leftoverPause)
			if made := d.release(); made > 0 || d.countPending() > 0 || d.countLogged(id) != 1 {
				t.Errorf("%d commits were made late, %d records are in the outbox", made, d.countPending())
			}
		})
	})
}

// A start writes the fence: commits of the former process are not made any more, and those that were made come
// to the log.
func TestStartFencesTheFormerProcess(t *testing.T) {
	for _, fault := range []storetest.Fault{storetest.Late, storetest.Silent} {
		onFaulty(t, func(d *deployment, f *storetest.Faulty) {
			var id string
			d.killed = true
			d.run(func(j *Journal) {
				f.Next = func(store.Batch) (storetest.Fault, time.Duration) { f.Cut(true); return fault, 0 }
				var err error
				if id, err = d.change(d.Context(), j); !errors.Is(err, store.ErrUnknown) {
					t.Errorf("%v: %v", fault, err)
				}
			})
			f.Next, d.killed = nil, false
			f.Cut(false)
			d.run(func(j *Journal) {
				if err := j.Recover(d.Context()); err != nil {
					t.Fatal(err)
				}
				if made := d.release(); made != 0 {
					t.Errorf("%d commits were made late", made)
				}
			})
			if want := fault == storetest.Silent; d.made(id) != want || (d.countLogged(id) == 1) != want || d.countPending() != 0 {
				t.Errorf("made %v, %d events in the log, %d in the store", d.made(id), d.countLogged(id), d.countPending())
			}
		})
	}
}

// Update does not wait long for a store that is silent. The outcome is found out in the background.
func TestOutcomesThatTakeLong(t *testing.T) {
	for _, fault := range []storetest.Fault{storetest.Silent, storetest.Lost, storetest.Late} {
		onFaulty(t, func(d *deployment, f *storetest.Faulty) {
			d.run(func(j *Journal) {
				f.Next = func(store.Batch) (storetest.Fault, time.Duration) { f.Cut(true); return fault, 0 }
				begun := time.Now()
				id, err := d.change(d.Context(), j)
				if !errors.Is(err, store.ErrUnknown) || time.Since(begun) != patience || j.TakeLate() {
					t.Errorf("%v after %v", err, time.Since(begun))
				}
				ctx, cancel := context.WithTimeout(d.Context(), time.Second)
				defer cancel()
				f.Cut(false)
				second, err := d.change(ctx, j)
				if !errors.Is(err, store.ErrUnknown) || time.Since(begun) != patience+time.Second {
					t.Errorf("%v after %v", err, time.Since(begun))
				}
				f.Next = nil
				f.Cut(false)
				time.Sleep(10 * time.Second)
				made := fault == storetest.Silent
				if d.release() != 0 || d.made(id) != made || d.made(second) != made || j.TakeLate() != made || d.countPending() != 0 {
					t.Errorf("made %v and %v, %d records in the outbox", d.made(id), d.made(second), d.countPending())
				}
				if want := map[bool]int{true: 1}[made]; d.countLogged(id) != want || d.countLogged(second) != want {
					t.Errorf("%d and %d events in the log", d.countLogged(id), d.countLogged(second))
				}
			})
		})
	}
}

// docs/storage.md names these numbers.
func TestNumbersOfUnknownOutcomes(t *testing.T) {
	if maxUnresolved != 1000 || patience != 5*time.Second || firstPause != 10*time.Millisecond || longestPause != time.Second {
		t.Error(maxUnresolved, patience, firstPause, longestPause)
	}
}

// Changes are refused while too many outcomes are unknown.
func TestUnknownOutcomesAreBounded(t *testing.T) {
	onFaulty(t, func(d *deployment, f *storetest.Faulty) {
		d.killed = true
		d.run(func(j *Journal) {
			f.Next = func(store.Batch) (storetest.Fault, time.Duration) { f.Cut(true); return storetest.Lost, 0 }
			ctx, cancel := context.WithCancel(d.Context())
			defer cancel()
			var all sync.WaitGroup
			var refused atomic.Int64
			for range maxUnresolved + 100 {
				f.Cut(false)
				all.Go(func() {
					if _, err := d.change(ctx, j); errors.Is(err, errTooManyUnknown) {
						refused.Add(1)
					}
				})
				synctest.Wait()
			}
			if refused.Load() != 100 {
				t.Errorf("%d changes were refused", refused.Load())
			}
			cancel()
			all.Wait()
		})
	})
}

// fullBackend refuses every commit, as on a full disk.
type fullBackend struct{ store.Backend }

func (fullBackend) Commit(context.Context, store.Batch) (int64, error) { return 0, space.Full(nil) }

// On a full disk a server starts under its former incarnation. Only its first start needs space. A node that shares the
// store does not start, because a commit of its former process may be under way.
func TestStartOnAFullDisk(t *testing.T) {
	d := newDeployment(t)
	full := func(newStore func(store.Backend, store.Sealer) *store.Store) error {
		j := New(newStore(fullBackend{d.backend}, d.sealer), audit.New(audit.Discard{}, audit.Options{}), slog.New(slog.DiscardHandler), nil)
		defer j.Close()
		return j.Start(d.Context(), node, nil)
	}
	if err := full(store.New); !errors.Is(err, space.ErrFull) {
		t.Errorf("the first start: %v", err)
	}
	d.run(func(*Journal) {})
	if err := full(store.New); err != nil {
		t.Errorf("a later start: %v", err)
	}
	if err := full(store.NewShared); !errors.Is(err, space.ErrFull) {
		t.Errorf("a later start of a node: %v", err)
	}
}

// Whatever happens to the commits of a node, what Update returns is true, and the events agree.
func TestAnyFaults(t *testing.T) {
	for seed := range uint64(150) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			onFaulty(t, func(d *deployment, f *storetest.Faulty) { anyFaults(d, f, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func anyFaults(d *deployment, f *storetest.Faulty, random *rand.Rand) {
	var mu sync.Mutex
	f.Next = func(store.Batch) (storetest.Fault, time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		if random.IntN(2) == 0 {
			return storetest.None, 0
		}
		return storetest.Fault(random.IntN(int(storetest.Late) + 1)), time.Duration(random.IntN(3000)) * time.Millisecond
	}
	outcomes := map[string]error{}
	d.onFenced, d.killed = func(error) {}, true
	for range 2 {
		d.run(func(j *Journal) {
			var all sync.WaitGroup
			for range 4 {
				all.Go(func() {
					id, err := d.change(d.Context(), j)
					mu.Lock()
					defer mu.Unlock()
					outcomes[id] = err
				})
			}
			for range 5 {
				mu.Lock()
				pause := time.Duration(random.IntN(2000)) * time.Millisecond
				mu.Unlock()
				time.Sleep(pause)
				d.release()
			}
			all.Wait()
		})
	}
	f.Next, d.killed = nil, false
	d.run(func(j *Journal) {
		if err := j.Recover(d.Context()); err != nil {
			d.Fatal(err)
		}
		d.release()
	})
	for id, err := range outcomes {
		made := d.made(id)
		if err == nil && !made || err != nil && made && !errors.Is(err, store.ErrUnknown) {
			d.Errorf("%s: made %v, told %v", id, made, err)
		}
		if logged := d.countLogged(id); logged != map[bool]int{true: 1}[made] {
			d.Errorf("%s: made %v, %d events in the log", id, made, logged)
		}
	}
	if d.countPending() != 0 {
		d.Errorf("%d records are in the outbox", d.countPending())
	}
}

// Close does not wait for ever for a store that does not answer. The next start removes the rest.
func TestCloseBesideASilentStore(t *testing.T) {
	onFaulty(t, func(d *deployment, f *storetest.Faulty) {
		d.killed = true
		var begun time.Time
		d.run(func(j *Journal) {
			if _, err := d.change(t.Context(), j); err != nil {
				t.Error(err)
			}
			f.Pause()
			begun = time.Now()
		})
		if took := time.Since(begun); took < leftoverPatience || took > 2*leftoverPatience+time.Second {
			t.Errorf("Close took %v", took)
		}
		f.Resume()
		d.killed = false
		d.run(func(j *Journal) {
			if err := j.Recover(t.Context()); err != nil {
				t.Error(err)
			}
		})
		if n := d.countPending(); n != 0 {
			t.Errorf("%d events are left in the store", n)
		}
	})
}

// timedViews notes when each View begins.
type timedViews struct {
	store.Backend
	begun []time.Time
}

func (b *timedViews) View(ctx context.Context, fn func(store.Reader) error) error {
	b.begun = append(b.begun, time.Now())
	return b.Backend.View(ctx, fn)
}

// The pauses between the attempts to find out an outcome double, up to a second.
func TestPausesBetweenAttempts(t *testing.T) {
	onFaulty(t, func(d *deployment, f *storetest.Faulty) {
		views := &timedViews{Backend: f}
		d.store = store.New(views, d.sealer)
		d.run(func(j *Journal) {
			f.Next = func(store.Batch) (storetest.Fault, time.Duration) { f.Cut(true); return storetest.Lost, 0 }
			views.begun = nil
			if _, err := d.change(d.Context(), j); !errors.Is(err, store.ErrUnknown) {
				t.Error(err)
			}
			attempts := views.begun
			f.Next = nil
			f.Cut(false)
			time.Sleep(2 * time.Second)
			var pauses []int64 // in milliseconds
			for i := 2; i < len(attempts); i++ {
				pauses = append(pauses, attempts[i].Sub(attempts[i-1]).Milliseconds())
			}
			want := []int64{10, 20, 40, 80, 160, 320, 640, 1000, 1000, 1000}
			if len(pauses) < len(want) || !slices.Equal(pauses[:len(want)], want) {
				t.Errorf("the pauses are %v", pauses)
			}
		})
	})
}
