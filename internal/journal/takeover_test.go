package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
)

// A peer is another node on the Backend of a deployment, with a log and a network of its own.
type peer struct {
	d      *deployment
	id     string
	faulty *storetest.Faulty
	log    *audit.Log
	*Journal
}

// peer starts another node. Its process is killed by leaving it, or ends with close.
func (d *deployment) peer(id string) *peer {
	d.Helper()
	p := &peer{d: d, id: id, faulty: &storetest.Faulty{Backend: d.backend}}
	var err error
	if p.log, err = audit.Open(p.path(), audit.Options{}); err != nil {
		d.Fatal(err)
	}
	p.Journal = New(store.New(p.faulty, d.sealer), p.log, slog.New(slog.DiscardHandler), func(error) {})
	if err := errors.Join(p.Start(d.Context(), id, nil), p.Recover(d.Context())); err != nil {
		d.Fatal(err)
	}
	return p
}

func (p *peer) path() string { return filepath.Join(filepath.Dir(p.d.path), p.id+".log") }

// end ends the process. If it is killed, it leaves its records behind.
func (p *peer) end(killed bool) {
	p.faulty.Cut(killed)
	if err := errors.Join(p.log.Close(), p.Close()); err != nil && !killed {
		p.d.Error(err)
	}
}

// lines returns the lines of the log that have a text.
func (p *peer) lines(text string) (lines []string) {
	data, err := os.ReadFile(p.path())
	if err != nil {
		p.d.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

func always(*store.Tx) error { return nil }

// leave makes a node that commits n changes and is killed before its log has their events, and one void record.
func (d *deployment) leave(id string, n int) (ids []string) {
	d.Helper()
	p := d.peer(id)
	for range n {
		c, err := p.carry([]audit.Event{{EventID: NewEventID()}})
		if err != nil {
			d.Fatal(err)
		}
		err = p.store.Update(d.Context(), func(tx *store.Tx) error {
			return errors.Join(records.Usages.Put(tx, c.ids[0], records.Usage{EventID: c.ids[0]}),
				records.Outbox.Insert(tx, c.path(0), records.PendingEvent{Line: c.lines[0]}))
		})
		if err != nil {
			d.Fatal(err)
		}
		ids = append(ids, c.ids[0])
	}
	err := p.store.Update(d.Context(), func(tx *store.Tx) error {
		return records.Outbox.Insert(tx, records.OutboxPath(id, NewEventID()), records.PendingEvent{Void: true})
	})
	if err != nil {
		d.Fatal(err)
	}
	p.end(true)
	return ids
}

// A takeover brings all events of a node to the log of another one, names the node in them, and fences it.
func TestTakeOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment(t)
		ids := d.leave("A", 3*takeoverPage+1)
		b := d.peer("B")
		if _, err := b.TakeOver(t.Context(), "A", always); err != nil {
			t.Fatal(err)
		}
		b.end(false)
		for _, id := range ids {
			if lines := b.lines(id); len(lines) != 1 || !strings.Contains(lines[0], `"recoveredFrom":"A"`) {
				t.Errorf("the log has %q", lines)
			}
		}
		if n := d.countPending(); n != 0 {
			t.Errorf("%d records are in the outbox", n)
		}
	})
}

func TestANodeDoesNotTakeOverItself(t *testing.T) {
	d := newDeployment(t)
	p := d.peer("A")
	if _, err := p.TakeOver(t.Context(), "A", always); err == nil || p.Fenced() != nil {
		t.Errorf("%v, fenced %v", err, p.Fenced())
	}
	p.end(false)
}

// A node that was paused in a commit is taken over. Its commit comes late and is not made, and the node stops.
func TestLateCommitAfterATakeover(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment(t)
		a, b := d.peer("A"), d.peer("B")
		a.faulty.Pause()
		a.faulty.Patience = 10 * time.Second
		result := make(chan error)
		var id string
		go func() {
			id = NewEventID()
			result <- a.Update(t.Context(), func(tx *store.Tx) error {
				return records.Usages.Put(tx, id, records.Usage{EventID: id})
			}, audit.Event{EventID: id})
		}()
		synctest.Wait()
		if _, err := b.TakeOver(t.Context(), "A", always); err != nil {
			t.Fatal(err)
		}
		a.faulty.Resume()
		if err := <-result; !errors.Is(err, ErrFenced) || d.made(id) {
			t.Errorf("made %v: %v", d.made(id), err)
		}
		a.faulty.Next = func(store.Batch) (storetest.Fault, time.Duration) { return storetest.Late, 0 }
		if made, err := a.faulty.Release(t.Context()); made != 0 || err != nil || d.made(id) {
			t.Errorf("%d commits were made late: %v", made, err)
		}
		if !errors.Is(a.Fenced(), ErrFenced) {
			t.Error("the node goes on")
		}
		a.end(true)
		b.end(false)
		if len(b.lines(id)) != 0 {
			t.Error("an event without a change")
		}
	})
}

// A takeover that is stopped at any commit is repeated by another node, by the same one after a restart, or by the
// node itself when it comes back. No event is lost, none is twice in one log, and the void record is gone.
func TestTakeoverThatIsInterrupted(t *testing.T) {
	const events = 2*takeoverPage + 1
	for step := range 8 {
		for _, fault := range []storetest.Fault{storetest.Refused, storetest.Lost, storetest.Silent, storetest.Late} {
			for _, next := range []string{"C", "B", "A"} {
				t.Run(fmt.Sprintf("step %d, %d, then %s", step, fault, next), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						d := newDeployment(t)
						ids := d.leave("A", events)
						b := d.peer("B")
						commits := 0
						b.faulty.Next = func(store.Batch) (storetest.Fault, time.Duration) {
							if commits++; commits > step {
								return fault, 0
							}
							return storetest.None, 0
						}
						ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
						defer cancel()
						_, _ = b.TakeOver(ctx, "A", always)
						b.end(true)
						all := []*peer{b}
						last := d.peer(next)
						if all = append(all, last); next != "A" {
							_, err := last.TakeOver(t.Context(), "A", always)
							if err != nil {
								t.Fatal(err)
							}
						}
						if next != "B" {
							if _, err := last.TakeOver(t.Context(), "B", always); err != nil {
								t.Fatal(err)
							}
						}
						if _, err := b.faulty.Release(t.Context()); err != nil {
							t.Fatal(err)
						}
						last.end(false)
						d.checkLogs(ids, all)
					})
				})
			}
		}
	}
}

// checkLogs checks that each event is in at least one log, at most once in each, and in no outbox.
func (d *deployment) checkLogs(ids []string, all []*peer) {
	d.Helper()
	for _, id := range ids {
		logs := 0
		for i, p := range all {
			if i > 0 && p.id == all[i-1].id {
				continue // the same log
			}
			n := len(p.lines(id))
			if n > 1 {
				d.Errorf("the log of %s has the event %d times", p.id, n)
			}
			logs += n
		}
		if logs < 1 || logs > 2 {
			d.Errorf("%d logs have the event", logs)
		}
	}
	if n := d.countPending(); n != 0 {
		d.Errorf("%d records are in the outbox", n)
	}
}

// Two takeovers of one node at a time: the first one notices the second, and nothing is in a log twice.
func TestTakeoversAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment(t)
		ids := d.leave("A", 3*takeoverPage)
		b, c := d.peer("B"), d.peer("C")
		commits := 0
		b.faulty.Next = func(store.Batch) (storetest.Fault, time.Duration) {
			if commits++; commits == 3 {
				if _, err := c.TakeOver(t.Context(), "A", always); err != nil {
					t.Error(err)
				}
			}
			return storetest.None, 0
		}
		took, err := b.TakeOver(t.Context(), "A", always)
		if !errors.Is(err, ErrTakeoverLost) {
			t.Errorf("got %v", err)
		}
		if err := b.store.Update(t.Context(), took.Hold); !errors.Is(err, ErrTakeoverLost) {
			t.Errorf("hold: %v", err)
		}
		b.end(true)
		again := d.peer("B")
		if _, err := again.TakeOver(t.Context(), "A", always); err != nil {
			t.Error(err)
		}
		again.end(false)
		c.end(false)
		d.checkLogs(ids, []*peer{b, again, c})
	})
}

// An event can come back to a node that has it in its log already.
func TestEventsThatComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment(t)
		ids := d.leave("A", 3)
		log := func(id, from string) *peer {
			p := d.peer(id)
			if _, err := p.TakeOver(t.Context(), from, always); err != nil {
				t.Fatal(err)
			}
			p.faulty.Cut(true) // no event is removed from the store
			time.Sleep(time.Second)
			p.end(true)
			return p
		}
		all := []*peer{log("B", "A"), log("C", "B")}
		last := d.peer("B")
		if _, err := last.TakeOver(t.Context(), "C", always); err != nil {
			t.Fatal(err)
		}
		last.end(false)
		d.checkLogs(ids, all)
	})
}

// A node that is alive after all is not fenced.
func TestTakeoverThatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment(t)
		alive := errors.New("alive")
		a, b := d.peer("A"), d.peer("B")
		if _, err := b.TakeOver(t.Context(), "A", func(*store.Tx) error { return alive }); !errors.Is(err, alive) {
			t.Errorf("got %v", err)
		}
		if err := a.CheckFence(t.Context()); err != nil {
			t.Error(err)
		}
		a.end(false)
		b.end(false)
	})
}

// An event that was moved names the end of the log of this node, behind which the next start looks for the event.
func TestMovedEventsNameTheEndOfTheLog(t *testing.T) {
	d := newDeployment(t)
	ids := d.leave("OLD", 3)
	p := d.peer("NEW")
	if err := p.log.Write(t.Context(), audit.Event{EventID: NewEventID()}); err != nil {
		t.Fatal(err)
	}
	end := p.log.End()
	if err := p.log.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.TakeOver(t.Context(), "OLD", always); !errors.Is(err, audit.ErrClosed) {
		t.Errorf("with a log that is closed: %v", err)
	}
	err := d.store.View(t.Context(), func(v *store.View) error {
		for _, id := range ids {
			e, ok, err := records.Outbox.Get(v, records.OutboxPath("NEW", id))
			if err != nil || !ok || e.After != end || e.From != "OLD" {
				t.Errorf("%+v, %v, %v, want after %d", e, ok, err, end)
			}
		}
		return nil
	})
	if err := errors.Join(err, p.Close()); err != nil {
		t.Error(err)
	}
}

// A takeover of events that were taken over before needs the whole log of this node.
func TestTakeoverNeedsItsLog(t *testing.T) {
	d := newDeployment(t)
	line, err := audit.Event{EventID: "e", UserAgent: strings.Repeat("x", 1000)}.Line()
	if err != nil {
		t.Fatal(err)
	}
	log := "garbage\n" + strings.Repeat(string(audit.Stamp(line, 1)), 3000) // a start does not read so far back
	p := &peer{d: d, id: "NEW"}
	if err := os.WriteFile(p.path(), []byte("{}"+log), 0o600); err != nil {
		t.Fatal(err)
	}
	p = d.peer("NEW")
	defer p.end(false)
	err = d.store.Update(t.Context(), func(tx *store.Tx) error {
		return records.Outbox.Insert(tx, records.OutboxPath("OLD", "e"), records.PendingEvent{Line: line, From: "OLDER"})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.TakeOver(t.Context(), "OLD", always); !errors.Is(err, audit.ErrUnreadable) {
		t.Error(err)
	}
}
