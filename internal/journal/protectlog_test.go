package journal

import (
	"bytes"
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
	"github.com/keyhold/keyhold/internal/listtest"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/storetest"
	"github.com/keyhold/keyhold/internal/transparency"
)

// logs returns the records of the audit logs, by their paths.
func (d *deployment) logs() map[string]records.AuditLog {
	d.Helper()
	all := map[string]records.AuditLog{}
	err := store.New(d.backend, d.sealer).View(d.Context(), func(v *store.View) error {
		page, err := records.AuditLogs.Scan(v, "", "", 100)
		for _, r := range page {
			all[r.Path] = r.Value
		}
		return err
	})
	if err != nil {
		d.Fatal(err)
	}
	return all
}

// protect starts a node, protects its log, writes some events, and ends the node. It returns the key of the log.
func (d *deployment) protect(ctx context.Context, on *store.Store, server *bytes.Buffer, events int) (key string, err error) {
	d.Helper()
	log, err := audit.Open(d.path, audit.Options{})
	if err != nil {
		d.Fatal(err)
	}
	j := New(on, log, slog.New(slog.NewTextHandler(server, nil)), func(error) {})
	if err := j.Start(d.Context(), node, nil); err != nil {
		d.Fatal(err)
	}
	err = j.ProtectLog(ctx, Retention{Event: eventOf})
	for i := range events {
		err = errors.Join(err, log.Write(d.Context(), audit.Event{EventID: fmt.Sprint("event-", i)}))
	}
	key = log.VerifierKey()
	return key, errors.Join(err, log.Close(), j.Close())
}

// mustProtect is protect on the store of the deployment.
func (d *deployment) mustProtect(events int) (key, server string) {
	d.Helper()
	var text bytes.Buffer
	key, err := d.protect(d.Context(), d.store, &text, events)
	if err != nil {
		d.Fatal(err)
	}
	return key, text.String()
}

// eventOf returns an event whose user agent has the details.
func eventOf(name string, details any) audit.Event {
	return audit.Event{EventID: NewEventID(), EventName: name, UserAgent: fmt.Sprintf("details %v", details)}
}

// outbox returns the lines that wait in the store.
func (d *deployment) outbox() (lines []string) {
	d.Helper()
	err := d.store.View(d.Context(), func(v *store.View) error {
		all, err := records.Outbox.Scan(v, "", "", 100)
		for _, r := range all {
			lines = append(lines, string(r.Value.Line))
		}
		return err
	})
	if err != nil {
		d.Fatal(err)
	}
	return lines
}

// removeLog moves the log of the node away, as an operator might.
func (d *deployment) removeLog() {
	d.Helper()
	if err := errors.Join(os.Remove(d.path), os.RemoveAll(audit.FolderOf(d.path))); err != nil {
		d.Fatal(err)
	}
}

// The keys of a log are made once, and fit its record.
func TestProtectLog(t *testing.T) {
	d := newDeployment(t)
	for start := range 3 { // the log is empty at the second start, but has a checkpoint
		key, server := d.mustProtect(start)
		all := d.logs()
		log := all[records.AuditLogPath(node, 1)]
		if len(all) != 1 || !log.Begun || log.Public != key || len(log.Seed) != 32 || len(log.Chain) != 32 || bytes.Equal(log.Seed, log.Chain) || server != "" {
			t.Errorf("start %d: %+v, %q", start, all, server)
		}
		err := d.store.View(t.Context(), func(v *store.View) error {
			id, _, err := records.DeploymentIDs.Get(v, records.DeploymentIDPath)
			if log.Origin != transparency.Origin(id.ID, node) {
				t.Errorf("the origin is %s", log.Origin)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// A log in place of one that is lost gets other keys and another name. The log of the server says so.
func TestProtectLogThatIsLost(t *testing.T) {
	d := newDeployment(t)
	first, _ := d.mustProtect(2)
	d.removeLog()
	second, server := d.mustProtect(2)
	if all := d.logs(); len(all) != 2 || first == second || all[records.AuditLogPath(node, 1)].Public != first || all[records.AuditLogPath(node, 2)].Public != second || !strings.HasSuffix(all[records.AuditLogPath(node, 2)].Origin, "/"+node+".2") {
		t.Errorf("%+v", all)
	}
	if got, want := d.outbox(), fmt.Sprintf(`"details {%s %s}"`, d.logs()[records.AuditLogPath(node, 2)].Origin, d.logs()[records.AuditLogPath(node, 1)].Origin); len(got) != 1 || !strings.Contains(got[0], BeginLog) || !strings.Contains(got[0], want) {
		t.Errorf("the outbox has %q, not one event with %s", got, want)
	}
	if !strings.Contains(server, "the node begins another audit log, because the former one is not in its folder") || !strings.Contains(server, "log=2") {
		t.Errorf("the server says %q", server)
	}
	// A log that has lost only its checkpoint is not another log.
	if err := os.Remove(filepath.Join(audit.FolderOf(d.path), "checkpoint")); err != nil {
		t.Fatal(err)
	}
	if key, server := d.mustProtect(0); key != second || server != "" || len(d.logs()) != 2 || len(d.outbox()) != 1 {
		t.Errorf("the server says %q, %d logs", server, len(d.logs()))
	}
}

// A log that has not begun keeps its keys, although it is empty.
func TestProtectLogThatHasNotBegun(t *testing.T) {
	d := newDeployment(t)
	first, _ := d.mustProtect(0)
	path := records.AuditLogPath(node, 1)
	log := d.logs()[path]
	log.Begun = false
	if err := d.store.Update(t.Context(), func(tx *store.Tx) error { return records.AuditLogs.Put(tx, path, log) }); err != nil {
		t.Fatal(err)
	}
	d.removeLog()
	if key, server := d.mustProtect(0); key != first || server != "" || len(d.logs()) != 1 || !d.logs()[path].Begun {
		t.Errorf("the server says %q, %+v", server, d.logs())
	}
}

// A log that keeps nothing gets no keys.
func TestProtectLogInMemory(t *testing.T) {
	d := newDeployment(t)
	log := audit.New(audit.Discard{}, audit.Options{})
	j := New(d.store, log, slog.New(slog.DiscardHandler), func(error) {})
	err := errors.Join(j.Start(t.Context(), node, nil), j.ProtectLog(t.Context(), Retention{Event: eventOf}), log.Close(), j.Close())
	if err != nil || len(d.logs()) > 0 {
		t.Errorf("%v, %+v", err, d.logs())
	}
}

// ProtectLog fails if one of its reads or commits fails, and the next start goes on.
func TestProtectLogFailsWithItsSteps(t *testing.T) {
	for _, lost := range []bool{false, true} {
		for at := 1; ; at++ {
			d := newDeployment(t)
			if lost {
				d.mustProtect(1)
				d.removeLog()
			}
			f := &storetest.StepFault{At: at}
			key, err := d.protect(f.Context(t.Context()), store.New(storetest.Stepped{Backend: d.backend}, d.sealer), &bytes.Buffer{}, 0)
			if f.Steps < at {
				if err != nil || at < 4 {
					t.Errorf("%v after %d steps", err, f.Steps)
				}
				break
			}
			if !errors.Is(err, storetest.ErrStep) {
				t.Errorf("without %v: %v, %q", f.Broken, err, key)
			}
			d.mustProtect(1)
			for path, log := range d.logs() {
				if !log.Begun {
					t.Errorf("without %v: the log %s has not begun", f.Broken, path)
				}
			}
		}
	}
}

// A process that was fenced makes no keys.
func TestProtectLogHoldsTheFence(t *testing.T) {
	d := newDeployment(t)
	d.onFenced = func(error) {}
	d.killed = true
	d.run(func(j *Journal) {
		err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			return records.Fences.Put(tx, node, records.Fence{Incarnation: "another"})
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.ProtectLog(t.Context(), Retention{Event: eventOf}); !errors.Is(err, ErrFenced) {
			t.Error(err)
		}
	})
	if len(d.logs()) > 0 {
		t.Errorf("%+v", d.logs())
	}
}

// fullFrom refuses commits from one on, as a disk that has become full.
type fullFrom struct {
	store.Backend
	commits, from int
}

func (f *fullFrom) Commit(ctx context.Context, b store.Batch) (int64, error) {
	if f.commits++; f.commits >= f.from {
		return 0, space.Full(nil)
	}
	return f.Backend.Commit(ctx, b)
}

// On a full disk a log goes on without keys, or has begun without its record. The next start makes up for it.
func TestProtectLogOnAFullDisk(t *testing.T) {
	for from, test := range map[int]struct{ logs, lines int }{2: {0, 1}, 3: {1, 0}} { // the first commit is the fence
		d := newDeployment(t)
		var server bytes.Buffer
		key, err := d.protect(t.Context(), store.New(&fullFrom{Backend: d.backend, from: from}, d.sealer), &server, 1)
		if all := d.logs(); err != nil || len(all) != test.logs || all[records.AuditLogPath(node, 1)].Begun || (key == "") != (test.logs == 0) {
			t.Errorf("full at commit %d: %v, %+v", from, err, all)
		}
		if n := strings.Count(server.String(), "the audit log gets no keys until the next start"); n != test.lines {
			t.Errorf("full at commit %d: the server says %q", from, server.String())
		}
		if key, _ := d.mustProtect(1); key == "" || !d.logs()[records.AuditLogPath(node, 1)].Begun {
			t.Errorf("full at commit %d: afterwards %+v", from, d.logs())
		}
	}
}

// The event of a deletion has the revision of the store.
func TestDeletionHasARevision(t *testing.T) {
	d := newDeployment(t)
	synctest.Test(t, func(t *testing.T) {
		log, err := audit.Open(d.path, audit.Options{SegmentBytes: 1})
		if err != nil {
			t.Fatal(err)
		}
		j := New(d.store, log, slog.New(slog.DiscardHandler), func(error) {})
		err = j.Start(t.Context(), node, nil)
		var said []audit.Deleted
		err = errors.Join(err, j.ProtectLog(t.Context(), Retention{Keep: time.Second, Event: func(_ string, of any) audit.Event {
			said = append(said, of.(audit.Deleted))
			return audit.Event{EventID: "deletion", EventName: audit.DeleteSegments, EventType: audit.ServiceEvent}
		}}))
		for i := range 3 {
			err = errors.Join(err, log.Write(t.Context(), audit.Event{EventID: fmt.Sprint("event-", i), EventTime: time.Now()}))
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour) // the log looks for old segments each hour
		synctest.Wait()
		if err := errors.Join(log.Close(), j.Close()); err != nil {
			t.Error(err)
		}
		if len(said) == 0 || said[0].Before != 2 || said[0].Keep != "1s" {
			t.Errorf("%+v", said)
		}
	})
	want := fmt.Sprintf(`"storeRevision":%d`, d.store.Revision())
	text, err := os.ReadFile(d.path)
	if err != nil || d.store.Revision() == 0 || !strings.Contains(string(text), want) || !strings.Contains(string(text), audit.DeleteSegments) {
		t.Errorf("%s, %v, want %s", text, err, want)
	}
}

// Events that the log refuses stay in the outbox, and the log of the server names each.
func TestRelayThatIsRefused(t *testing.T) {
	d := newDeployment(t)
	log, err := audit.Open(d.path, audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var server bytes.Buffer
	j := New(d.store, log, slog.New(slog.NewTextHandler(&server, nil)), func(error) {})
	if err := errors.Join(j.Start(t.Context(), node, nil), log.Close()); err != nil {
		t.Fatal(err)
	}
	ids := []string{NewEventID(), NewEventID()}
	if err := j.Update(t.Context(), change, audit.Event{EventID: ids[0]}, audit.Event{EventID: ids[1]}); err != nil {
		t.Error(err)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
	for _, id := range ids {
		if !strings.Contains(server.String(), `msg="an event stays in the outbox" event=`+id) {
			t.Errorf("the server says %q", server.String())
		}
	}
	if n := d.countPending(); n != 2 {
		t.Errorf("%d events are in the store", n)
	}
}

// The log of the server says that records were not removed, unless the disk is full.
func TestLeftoversThatStay(t *testing.T) {
	for _, test := range []struct {
		err  error
		says bool
	}{{errors.New("broken"), true}, {space.Full(nil), false}} {
		d := newDeployment(t)
		synctest.Test(t, func(t *testing.T) {
			var server bytes.Buffer
			l := newLeftovers(d.store, slog.New(slog.NewTextHandler(&server, nil)))
			broken := true
			l.remove(func(*store.Tx) error {
				if broken {
					return test.err
				}
				return nil
			})
			time.Sleep(leftoverPause + time.Millisecond)
			synctest.Wait()
			if says := strings.Contains(server.String(), "records that are no longer needed were not removed; the server tries again"); says != test.says {
				t.Errorf("%v: the server says %q", test.err, server.String())
			}
			broken = false
			close(l.done)
			l.gone.Wait()
		})
	}
}

// Renew writes the fences of all nodes, over all pages, and leaves their incarnations.
func TestRenewWritesAllFences(t *testing.T) {
	d := newDeployment(t)
	const others = 2*fencesPage + 1
	for i := range others {
		err := d.store.Update(t.Context(), func(tx *store.Tx) error {
			return records.Fences.Put(tx, fmt.Sprint("N", i), records.Fence{Incarnation: fmt.Sprint(i)})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	d.run(func(j *Journal) {
		before := d.store.Revision()
		fence := j.Fence()
		if err := j.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := d.store.View(t.Context(), func(v *store.View) error {
			for i := range others {
				f, _, err := records.Fences.Get(v, fmt.Sprint("N", i))
				rev, failed := records.Fences.Revision(v, fmt.Sprint("N", i))
				if errors.Join(err, failed) != nil || f.Incarnation != fmt.Sprint(i) || rev <= before {
					t.Errorf("node %d: %+v, revision %d, which was %d", i, f, rev, before)
				}
			}
			return nil
		})
		if err != nil || j.Fence() <= fence {
			t.Errorf("%v, the fence is %d and was %d", err, j.Fence(), fence)
		}
		for was, want := range map[int64]error{fence: ErrRenewed, j.Fence(): nil} {
			err := d.store.Update(t.Context(), func(tx *store.Tx) error {
				if err := j.HoldSlots(tx, was); !errors.Is(err, want) {
					t.Errorf("the fence as it was at %d: %v", was, err)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
	forgotten := func(tx *store.Tx) error { return renew(tx, "FORGOTTEN") }
	if err := d.store.Update(t.Context(), forgotten); err != nil {
		t.Error(err)
	}
	err := d.store.View(t.Context(), func(v *store.View) error {
		if _, ok, err := records.Fences.Get(v, "FORGOTTEN"); ok || err != nil {
			t.Errorf("a forgotten node has a fence: %v, %v", ok, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A change that is refused has no revision.
func TestRefusedChangesHaveNoRevision(t *testing.T) {
	d := newDeployment(t)
	d.onFenced = func(error) {}
	d.run(func(j *Journal) {
		refuse := func(what string, e audit.Event, want error) {
			t.Helper()
			if rev, err := j.UpdateAt(t.Context(), 0, change, e); rev != 0 || err == nil || want != nil && !errors.Is(err, want) {
				t.Errorf("%s: revision %d, %v", what, rev, err)
			}
		}
		refuse("two lines", audit.Event{EventID: NewEventID(), RequestParameters: []byte("{\n}")}, nil)
		j.unresolved.Add(maxUnresolved)
		refuse("too many unknown outcomes", audit.Event{EventID: NewEventID()}, errTooManyUnknown)
		j.unresolved.Add(-1)
		if rev, err := j.UpdateAt(t.Context(), 0, change, audit.Event{EventID: NewEventID()}); rev != d.store.Revision() || err != nil {
			t.Errorf("one unknown outcome less: %d, %v", rev, err)
		}
		j.unresolved.Add(1 - maxUnresolved)
		_ = j.Stop(ErrFenced)
		refuse("fenced", audit.Event{EventID: NewEventID()}, ErrFenced)
	})
}

// An outcome that was found is no longer unknown.
func TestOutcomesAreCounted(t *testing.T) {
	onFaulty(t, func(d *deployment, f *storetest.Faulty) {
		d.run(func(j *Journal) {
			for _, fault := range []storetest.Fault{storetest.Lost, storetest.Silent} {
				d.plan(fault)
				if _, err := d.change(d.Context(), j); err != nil && !errors.Is(err, ErrNotMade) {
					d.Error(err)
				}
				synctest.Wait()
				if n := j.unresolved.Load(); n != 0 {
					d.Errorf("%d outcomes are unknown", n)
				}
			}
		})
	})
}

// Transactions have these bounds.
func TestNumbers(t *testing.T) {
	listtest.Numbers(t, [][3]any{
		{"events that a takeover moves at once", takeoverPage, 8},
		{"fences that are read at once", fencesPage, 100},
		{"records that are removed at once", leftoverBatch, 64},
		{"longest time that a record waits for others", leftoverPause, time.Second},
		{"longest removal", leftoverPatience, 10 * time.Second},
	})
}

// A log that was altered is not protected, and its record stays as it is.
func TestProtectLogThatWasAltered(t *testing.T) {
	d := newDeployment(t)
	d.mustProtect(3)
	path := records.AuditLogPath(node, 1)
	before := d.logs()[path]
	before.Begun = false
	if err := d.store.Update(t.Context(), func(tx *store.Tx) error { return records.AuditLogs.Put(tx, path, before) }); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(d.path)
	if err = errors.Join(err, os.WriteFile(d.path, text[:bytes.LastIndexByte(text[:len(text)-1], '\n')+1], 0o600)); err != nil {
		t.Fatal(err)
	}
	if key, err := d.protect(t.Context(), d.store, &bytes.Buffer{}, 0); !errors.Is(err, audit.ErrAltered) || key != "" {
		t.Errorf("%q, %v", key, err)
	}
	if d.logs()[path].Begun {
		t.Error("the log has begun")
	}
}

// What enters with a start is part of its transaction, and knows the incarnation.
func TestStartEnters(t *testing.T) {
	d := newDeployment(t)
	start := func(enter func(tx *store.Tx, incarnation string) error) (j *Journal, err error) {
		j = New(d.store, audit.New(audit.Discard{}, audit.Options{}), slog.New(slog.DiscardHandler), func(error) {})
		return j, errors.Join(j.Start(t.Context(), node, enter), j.Close())
	}
	var entered string
	j, err := start(func(tx *store.Tx, incarnation string) error { entered = incarnation; return change(tx) })
	if err != nil || entered == "" || entered != j.Incarnation() {
		t.Errorf("%v, entered as %q, and is %q", err, entered, j.Incarnation())
	}
	refused := errors.New("refused")
	if _, err := start(func(tx *store.Tx, _ string) error {
		return errors.Join(records.Deployments.Delete(tx, records.DeploymentPath), refused)
	}); !errors.Is(err, refused) {
		t.Error(err)
	}
	err = d.store.View(t.Context(), func(v *store.View) error {
		_, made, err := records.Deployments.Get(v, records.DeploymentPath)
		f, _, failed := records.Fences.Get(v, node)
		if !made || f.Incarnation != entered {
			t.Errorf("the change is there: %v, and the fence is %q, want %q", made, f.Incarnation, entered)
		}
		return errors.Join(err, failed)
	})
	if err != nil {
		t.Error(err)
	}
}

// A transaction that names slots and runs again looks at the fence again.
func TestSlotsAreHeldWhenATransactionRunsAgain(t *testing.T) {
	for _, renewed := range []bool{false, true} {
		d := newDeployment(t)
		d.run(func(j *Journal) {
			runs := 0
			_, err := j.UpdateAt(t.Context(), j.Fence(), func(tx *store.Tx) error {
				if runs++; runs > 1 {
					return change(tx)
				}
				other := func(tx *store.Tx) error {
					if renewed {
						if err := renew(tx, node); err != nil {
							return err
						}
					}
					return records.Deployments.Put(tx, records.DeploymentPath, records.Deployment{Account: "444455556666"})
				}
				if _, _, err := records.Deployments.Get(tx, records.DeploymentPath); err != nil {
					return err
				}
				if err := store.New(d.backend, d.sealer).Update(t.Context(), other); err != nil {
					return err
				}
				return change(tx)
			}, audit.Event{EventID: NewEventID()})
			if errors.Is(err, ErrRenewed) != renewed || err != nil && !renewed || runs != 2 {
				t.Errorf("renewed %v: %v after %d runs", renewed, err, runs)
			}
		})
	}
}
