package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/postgres"
)

// through makes all connections of a Config pass a link.
func through(t *testing.T, c postgres.Config, s *pgServer) (postgres.Config, *link) {
	t.Helper()
	l := newLink(t, s.address)
	c.Hosts = []string{l.address}
	return c, l
}

// startPair starts a primary and its standby. The primary waits for the standby, or for nobody.
func startPair(t testing.TB, synchronous bool) (primary, standby *pgServer) {
	t.Helper()
	primary = newPostgres(t, true)
	primary.start(t)
	standby = primary.copyAsStandby(t)
	if synchronous {
		primary.waitForStandbys(t)
	}
	return primary, standby
}

// copyAsStandby starts a standby of a server.
func (s *pgServer) copyAsStandby(t testing.TB) *pgServer {
	t.Helper()
	standby := &pgServer{folder: pgFolder(t, true), address: freeAddress(t)}
	s.copyTo(t, standby)
	standby.start(t)
	return standby
}

// copyTo makes the data of a standby, which is not started.
func (s *pgServer) copyTo(t testing.TB, standby *pgServer) {
	t.Helper()
	host, port, _ := strings.Cut(s.address, ":")
	pgRun(t, standby.folder, "pg_basebackup", "-D", filepath.Join(standby.folder, "data"), "-h", host, "-p", port, "-U",
		"postgres", "-R", "-X", "stream", "-c", "fast", "--no-sync")
}

// waitForStandbys makes a server wait for one standby in each commit.
func (s *pgServer) waitForStandbys(t testing.TB) {
	t.Helper()
	s.query(t, "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'")
	s.query(t, "SELECT pg_reload_conf()")
	waitFor(t, "the standby is synchronous", func() bool {
		return s.query(t, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum' AND state = 'streaming'") == "1"
	})
}

// promote makes a standby the primary.
func (s *pgServer) promote(t testing.TB) {
	t.Helper()
	if got := s.query(t, "SELECT pg_promote(true, 60)"); got != "true" {
		t.Fatalf("promotion: %s", got)
	}
}

// revision returns the revision of a View.
func revision(t *testing.T, b store.Backend) (rev int64) {
	t.Helper()
	if err := b.View(t.Context(), func(r store.Reader) error { rev = r.Rev(); return nil }); err != nil {
		t.Fatal(err)
	}
	return rev
}

// An old primary that is cut off from its standby answers reads for ever. A Backend that only reaches the old primary
// gives no View, and no outcome of a commit. A Backend that reaches both goes to the new primary, which has all that was
// acknowledged.
func TestPostgresSplitPrimary(t *testing.T) {
	t.Parallel()
	primary, standby := startPair(t, true)
	c := pgConfig(t, primary, standby)
	c.Timeout = 5 * time.Second
	both := pgOpen(t, c)
	c.Hosts, c.Timeout = c.Hosts[:1], 2*time.Second
	old := pgOpen(t, c)
	rev := put(t, old, "a", "1")

	standby.promote(t) // it follows the old primary no longer
	if _, err := old.Commit(t.Context(), write("lost")); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("a commit at the old primary: %v", err)
	}
	err := old.View(t.Context(), func(r store.Reader) error { t.Error("a View of the old primary"); return nil })
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a View of the old primary: %v", err)
	}
	if primary.query(t, "SELECT 1") != "1" {
		t.Error("the old primary does not answer, so this test tests nothing")
	}
	if !has(t, both, "a") {
		t.Error("an acknowledged record is lost")
	}
	waitFor(t, "a commit at the new primary", func() bool {
		got, err := both.Commit(t.Context(), write("b"))
		return err == nil && got > rev
	})
	// The administrator of the old primary ends the wait of its commit: it is visible there, and nowhere else.
	primary.query(t, "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (nobody)'")
	primary.query(t, "SELECT pg_reload_conf()")
	if has(t, both, "lost") {
		t.Error("a record that nobody acknowledged appears")
	}
}

// A Backend that has seen the new primary, and then reaches only the old one, is not told that changes are lost: the old
// primary is no witness, because it acknowledges nothing. The Backend works again when it reaches the new primary.
func TestPostgresBackToOldPrimary(t *testing.T) {
	t.Parallel()
	primary, standby := startPair(t, true)
	c := pgConfig(t, standby)
	c, l := through(t, c, standby)
	c.Hosts, c.Timeout = append(c.Hosts, primary.address), 2*time.Second
	b := pgOpen(t, c)
	put(t, b, "a", "1")
	standby.promote(t)
	waitFor(t, "a commit at the new primary", func() bool { _, err := b.Commit(t.Context(), write("b")); return err == nil })
	l.hold(there)
	l.sever()
	for range 5 {
		if _, err := b.Commit(t.Context(), write("c")); err == nil || errors.Is(err, store.ErrRewound) {
			t.Errorf("a commit at the old primary: %v", err)
		}
	}
	if primary.query(t, "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'keyhold'") != "true" {
		t.Error("the Backend does not reach the old primary, so this test tests nothing")
	}
	l.heal(true)
	waitFor(t, "a commit at the new primary again", func() bool { _, err := b.Commit(t.Context(), write("d")); return err == nil })
	if !has(t, b, "b") {
		t.Error("an acknowledged record is lost")
	}
}

// A standby that is promoted without the last commits, because nobody waited for it, is refused by processes that have
// seen these commits, also if it has reached the same revision again.
func TestPostgresLostCommits(t *testing.T) {
	t.Parallel()
	for _, more := range inFull([]int{3}, 0, 1) {
		t.Run(fmt.Sprint(more, " new"), func(t *testing.T) {
			primary, standby := startPair(t, false)
			c := pgConfig(t, primary, standby)
			c.Node = "one"
			b := pgOpen(t, c)
			rev := put(t, b, "a", "1")
			waitFor(t, "the standby has the record", func() bool {
				shown, err := standby.ask(t, fmt.Sprintf("SELECT count(*) FROM %q.changes WHERE rev >= %d", c.Schema, rev))
				return err == nil && shown != "0" // also without the table
			})
			standby.query(t, "SELECT pg_wal_replay_pause()")
			standby.signal(syscall.SIGSTOP)
			lost := put(t, b, "b", "1")
			primary.kill(t)
			standby.kill(t)
			os.Remove(filepath.Join(standby.folder, "data", "standby.signal"))
			standby.start(t) // as a primary, from its own part of the log
			c.Hosts, c.Create, c.Node = c.Hosts[1:], false, "two"
			other := pgOpen(t, c)
			for range more {
				put(t, other, "c", "1")
			}
			var err error
			waitFor(t, "the Backend meets the standby", func() bool {
				err = b.View(t.Context(), func(store.Reader) error { return nil })
				return errors.Is(err, store.ErrRewound)
			})
			if _, err := b.Commit(t.Context(), write("d")); !errors.Is(err, store.ErrRewound) {
				t.Errorf("a commit: %v", err)
			}
			if has(t, other, "d") || has(t, other, "b") {
				t.Error("the new history has records of the old one")
			}
			c.Node = "one"
			c.Seen = lost
			if _, err := postgres.Open(t.Context(), c); !errors.Is(err, store.ErrRewound) {
				t.Errorf("a node that has seen revision %d, and starts: %v", lost, err)
			}
			c.Seen = rev // as if its log did not have the lost commit
			pgOpen(t, c)
		})
	}
}

// waiting returns the process of the server that waits for the standby on behalf of a Backend, or "".
func (s *pgServer) waiting(t *testing.T) string {
	return s.query(t, "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = 'keyhold' LIMIT 1")
}

// When the wait of a commit for the standby ends in another way than by the standby, its outcome is unknown: the server
// has the commit, and may lose it.
func TestPostgresWaitForStandbyEnds(t *testing.T) {
	t.Parallel()
	for _, how := range inFull([]string{"pg_cancel_backend"}, "pg_terminate_backend", "kill") {
		t.Run(how, func(t *testing.T) {
			primary, standby := startPair(t, true)
			c := pgConfig(t, primary)
			b := pgOpen(t, c)
			put(t, b, "a", "1")
			standby.signal(syscall.SIGSTOP)
			ended := make(chan error)
			go func() {
				_, err := b.Commit(context.Background(), write("b"))
				ended <- err
			}()
			pid := ""
			waitFor(t, "the commit waits", func() bool { pid = primary.waiting(t); return pid != "" })
			if number, _ := strconv.Atoi(pid); how == "kill" {
				syscall.Kill(number, syscall.SIGKILL)
			} else {
				primary.query(t, fmt.Sprintf("SELECT %s(%s)", how, pid))
			}
			if err := <-ended; !errors.Is(err, store.ErrUnknown) {
				t.Errorf("got %v, want ErrUnknown", err)
			}
			standby.signal(syscall.SIGCONT)
			has(t, b, "b") // there or not
			waitFor(t, "the next commit", func() bool { _, err := b.Commit(t.Context(), write("c")); return err == nil })
		})
	}
}

// A process that stops in the middle of a commit holds the lock of all commits no longer than its time-out.
func TestPostgresStoppedInCommit(t *testing.T) {
	t.Parallel()
	server := startPostgres(t)
	c := pgConfig(t, server)
	b := pgOpen(t, c)
	put(t, b, "a", "1")
	short, l := through(t, c, server)
	short.Timeout = time.Second
	stopped := pgOpen(t, short)
	var writing sync.WaitGroup
	defer writing.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	made := make(chan bool)
	writing.Go(func() {
		for ctx.Err() == nil {
			if _, err := stopped.Commit(ctx, write("stopped")); err == nil {
				select {
				case made <- true:
				default:
				}
			}
		}
	})
	var longest time.Duration
	for deadline := time.Now().Add(patience); longest < short.Timeout/2; { // until the lock was held
		<-made
		time.Sleep(time.Duration(rand.IntN(5000)) * time.Microsecond)
		l.hold(there)
		begun := time.Now()
		put(t, b, "a", "2")
		longest = max(longest, time.Since(begun))
		l.heal(true)
		if time.Now().After(deadline) {
			t.Fatal("no process was stopped while it held the lock")
		}
	}
	t.Logf("a commit took %v", longest.Round(time.Millisecond))
}

// A server that cannot be reached, or has no connection left, refuses commits for certain. The same Backend works when
// the server does.
func TestPostgresNoConnection(t *testing.T) {
	t.Parallel()
	server := startPostgres(t, "max_connections=12", "superuser_reserved_connections=3")
	server.query(t, "CREATE ROLE app LOGIN")
	server.query(t, "GRANT CREATE ON DATABASE postgres TO app")
	c := pgConfig(t, server)
	c.User, c.Timeout = "app", 2*time.Second
	b := pgOpen(t, c)
	put(t, b, "a", "1")
	other := c
	other.User, other.Schema = "postgres", c.Schema
	var taken []*postgres.Backend
	for i := range 12 {
		other.Schema = fmt.Sprint("other", i)
		o, err := postgres.Open(t.Context(), other)
		if err != nil {
			break
		}
		taken = append(taken, o)
	}
	var all sync.WaitGroup
	made := make([]error, 50)
	for i := range made {
		all.Go(func() { _, made[i] = b.Commit(t.Context(), write(fmt.Sprint(i))) })
	}
	all.Wait()
	for _, o := range taken {
		o.Close()
	}
	for i, err := range made {
		if present := has(t, b, fmt.Sprint(i)); present != (err == nil) && !errors.Is(err, store.ErrUnknown) {
			t.Errorf("commit %d: %v, and present is %v", i, err, present)
		}
	}
	server.kill(t)
	for range 3 { // the first one may still use the old connection
		if _, err := b.Commit(t.Context(), write("first")); err == nil {
			t.Error("committed without a server")
		}
	}
	if _, err := b.Commit(t.Context(), write("second")); err == nil || errors.Is(err, store.ErrUnknown) {
		t.Errorf("without a connection: %v", err)
	}
	server.start(t)
	if has(t, b, "second") {
		t.Error("a commit was made that failed with an error that is not ErrUnknown")
	}
	put(t, b, "third", "")
}

// No key is lost by commits of unknown outcome. As the service does, each writer puts a secret, commits a record that
// names its slot, and settles an unknown outcome by another record at the same place: if the record can be written, the
// first commit is never made, and the slot is erased.
func TestPostgresUnknownOutcomes(t *testing.T) {
	t.Parallel()
	wanted := 100
	if os.Getenv("KEYHOLD_CLUSTER") != "" {
		wanted = 2000
	}
	server := startPostgres(t)
	c := pgConfig(t, server)
	c, l := through(t, c, server)
	c.Timeout = 2 * time.Second
	b := pgOpen(t, c)
	w := &unknownWriters{T: t, b: b, slots: b.Slots(), wanted: wanted, named: map[string]string{}}
	var writers sync.WaitGroup
	for i := range 24 {
		writers.Go(func() { w.run(i) })
	}
	for deadline := time.Now().Add(5 * patience); !w.enough() && time.Now().Before(deadline); {
		time.Sleep(time.Duration(20+rand.IntN(60)) * time.Millisecond)
		if rand.IntN(2) == 0 {
			l.hold(back) // the server commits, and nobody hears of it
			time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
			l.heal(true)
		} else {
			l.sever()
			l.heal(true)
		}
	}
	w.stop()
	writers.Wait()
	t.Logf("%d unknown outcomes, of which %d were made; %d commits acknowledged", w.unknown, w.late, w.made)
	if w.unknown < wanted {
		t.Errorf("only %d of %d unknown outcomes", w.unknown, wanted)
	}
	for key, slot := range w.named {
		if !has(t, b, key) {
			t.Errorf("%s is lost", key)
		}
		if secret, err := w.slots.Get(t.Context(), slot); err != nil || !bytes.Equal(secret, secretOf(key)) {
			t.Errorf("the secret of %s: %v", key, err)
		}
	}
}

func secretOf(key string) []byte {
	return append([]byte(key), make([]byte, store.SlotSize-len(key))...)
}

// unknownWriters write records of unknown outcome.
type unknownWriters struct {
	*testing.T
	b      store.Backend
	slots  store.Slots
	wanted int

	mu                  sync.Mutex
	stopped             bool
	unknown, late, made int
	named               map[string]string // slots by the keys of records that were made
}

func (w *unknownWriters) enough() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stopped || w.unknown >= w.wanted
}

func (w *unknownWriters) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
}

func (w *unknownWriters) run(writer int) {
	for i := 0; !w.enough(); i++ {
		key := fmt.Sprintf("key-%d-%d", writer, i)
		slot, err := w.slots.Put(w.Context(), secretOf(key))
		if err != nil {
			continue
		}
		_, err = w.b.Commit(w.Context(), absent(key, slot))
		unknown := errors.Is(err, store.ErrUnknown)
		made := err == nil || unknown && !w.void(key)
		w.note(key, slot, made, unknown)
		if !made {
			w.erase(slot)
		}
	}
}

// absent returns a Batch that writes a record that is absent.
func absent(key, value string) store.Batch {
	return store.Batch{Checks: []store.Check{{Key: []byte(key)}}, Writes: []store.Write{{Key: []byte(key), Value: []byte(value)}}}
}

// void makes sure that a commit is never made, and reports whether it was not made before.
func (w *unknownWriters) void(key string) (voided bool) {
	waitFor(w.T, "the settlement of an unknown outcome", func() bool {
		_, err := w.b.Commit(w.Context(), absent(key, "void"))
		if voided = err == nil; voided || !errors.Is(err, store.ErrConflict) {
			return voided
		}
		return w.b.View(w.Context(), func(r store.Reader) error { // the record, or an earlier void
			item, err := store.ReadItem(r, []byte(key))
			voided = string(item.Value) == "void"
			return err
		}) == nil
	})
	return voided
}

func (w *unknownWriters) erase(slot string) {
	waitFor(w.T, "an erasure", func() bool { return w.slots.Erase(w.Context(), slot) == nil })
}

func (w *unknownWriters) note(key, slot string, made, unknown bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if made {
		w.named[key] = slot
	}
	switch {
	case unknown && made:
		w.late++
		fallthrough
	case unknown:
		w.unknown++
	case made:
		w.made++
	}
}
