package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/etcd"
)

// has reports whether a key is present. It repeats the View while the cluster does not answer.
func has(t *testing.T, b store.Backend, key string) (present bool) {
	t.Helper()
	waitFor(t, "a View", func() bool {
		return b.View(t.Context(), func(r store.Reader) error {
			item, err := store.ReadItem(r, []byte(key))
			present = item.Rev != 0
			return err
		}) == nil
	})
	return present
}

func write(key string) store.Batch {
	return store.Batch{Writes: []store.Write{{Key: []byte(key), Value: []byte("x")}}}
}

// A commit to a stopped server has an unknown outcome. If the server is killed before it reads the commit, the
// commit is never made.
func TestStoppedServer(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 1)
	c := config(t, servers)
	c.Timeout = time.Second
	b := open(t, c)
	servers[0].signal(t, syscall.SIGSTOP)
	if _, err := b.Commit(t.Context(), write("a")); !errors.Is(err, store.ErrUnknown) {
		t.Errorf("got %v, want ErrUnknown", err)
	}
	if err := b.View(t.Context(), nil); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("View: %v", err)
	}
	servers[0].kill(t)
	servers[0].start(t)
	if has(t, b, "a") {
		t.Error("the commit was made although its server was killed before it could read it")
	}
}

// A commit is made late if its leader waits for the majority when the caller gives up.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 3)
	leader := leaderOf(t, servers)
	c := config(t, []*server{leader})
	b := open(t, c)
	rev := put(t, b, "a", "1")
	c.Timeout = 500 * time.Millisecond
	hasty := open(t, c)
	for _, s := range servers {
		if s != leader {
			s.signal(t, syscall.SIGSTOP)
		}
	}
	var err error
	var late string
	waitFor(t, "a commit without a majority", func() bool { // a signal stops a process a moment later
		late += "late"
		_, err = hasty.Commit(t.Context(), write(late))
		return err != nil
	})
	for _, s := range servers {
		s.signal(t, syscall.SIGCONT)
	}
	if !errors.Is(err, store.ErrUnknown) {
		t.Fatalf("got %v, want ErrUnknown", err)
	}
	waitFor(t, "the commit is made late", func() bool { return has(t, b, late) })
	batch := write("a") // a check that the late commit does not change still holds
	batch.Checks = []store.Check{{Key: []byte("a"), Rev: rev}, {Key: []byte(late), Rev: 0}}
	if _, err := b.Commit(t.Context(), batch); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a commit that requires its absence: %v", err)
	}
}

// leaderOf returns the member that leads.
func leaderOf(t *testing.T, servers []*server) (leader *server) {
	t.Helper()
	client := admin(t, servers)
	waitFor(t, "a leader", func() bool {
		for _, s := range servers {
			if status, err := client.Status(t.Context(), s.client); err == nil && status.Leader == status.Header.MemberId {
				leader = s
			}
		}
		return leader != nil
	})
	return leader
}

// A commit that reaches no server was certainly not made, and the same Backend works when the server is back.
func TestNoServer(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 1)
	c := config(t, servers)
	c.Timeout = 2 * time.Second
	b := open(t, c)
	servers[0].kill(t)
	for range 3 { // the first one may still use the old connection
		if _, err := b.Commit(t.Context(), write("first")); err == nil {
			t.Error("committed without a server")
		}
	}
	if _, err := b.Commit(t.Context(), write("second")); err == nil || errors.Is(err, store.ErrUnknown) {
		t.Errorf("without a connection: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := b.View(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("View until its context ends: %v", err)
	}
	servers[0].start(t)
	if has(t, b, "second") {
		t.Error("a commit was made that failed with an error that is not ErrUnknown")
	}
	put(t, b, "third", "")
}

// The error of a commit tells its outcome, whatever happens to the members.
func TestKilledMembers(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 3)
	c := config(t, servers)
	c.Timeout = 5 * time.Second
	b := open(t, c)
	rounds := 4
	if os.Getenv("KEYHOLD_CLUSTER") != "" {
		rounds = 100
	}
	outcomes := killWhileCommitting(t, b, servers, rounds)
	counts := map[string]int{}
	for key, err := range outcomes {
		present := has(t, b, key)
		switch {
		case err == nil && !present:
			t.Errorf("%s was acknowledged and is lost", key)
		case err != nil && !errors.Is(err, store.ErrUnknown) && present:
			t.Errorf("%s was made although: %v", key, err)
		case err == nil:
			counts["made"]++
		case errors.Is(err, store.ErrUnknown):
			counts["unknown"]++
		default:
			counts["not made"]++
		}
	}
	t.Logf("%v", counts)
	if counts["made"] == 0 {
		t.Error("no commit was made")
	}
}

// killWhileCommitting kills or stops one member after the other, under commits, and returns their errors.
func killWhileCommitting(t *testing.T, b *etcd.Backend, servers []*server, rounds int) map[string]error {
	outcomes := map[string]error{}
	var mu sync.Mutex
	var writers sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for w := range 4 {
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				key := fmt.Sprint(w, "-", i)
				_, err := b.Commit(t.Context(), write(key))
				mu.Lock()
				outcomes[key] = err
				mu.Unlock()
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	for round := range rounds {
		victim := servers[rand.N(len(servers))]
		if round%2 == 0 {
			victim.kill(t)
			time.Sleep(time.Second)
			victim.start(t)
		} else {
			victim.signal(t, syscall.SIGSTOP)
			time.Sleep(2 * time.Second)
			victim.signal(t, syscall.SIGCONT)
		}
		time.Sleep(2 * time.Second)
	}
	stop()
	writers.Wait()
	return outcomes
}

// Two of three members go on, no matter which member is lost.
func TestOneOfThree(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 3)
	c := config(t, servers)
	c.Timeout = 3 * time.Second
	b := open(t, c)
	put(t, b, "a", "1")
	for _, victim := range servers {
		victim.signal(t, syscall.SIGSTOP)
		waitFor(t, "a commit without one member", func() bool {
			_, err := b.Commit(t.Context(), write("b"))
			if err != nil && !errors.Is(err, store.ErrUnknown) {
				t.Logf("%s is stopped: %v", victim.name, err)
			}
			return err == nil
		})
		if !has(t, b, "a") {
			t.Error("a record is lost")
		}
		victim.signal(t, syscall.SIGCONT)
		waitForLeader(t, servers)
	}
	servers[0].kill(t)
	waitFor(t, "a commit without the first member", func() bool {
		_, err := b.Commit(t.Context(), write("c"))
		return err == nil
	})
}

// A watcher is told the revision of each View, also if only somebody else has changed something.
func TestProgress(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 3)
	c := config(t, servers)
	b := open(t, c)
	c.Prefix = "other"
	other := open(t, c)
	told := make(chan int64, 1000)
	go b.Watch(t.Context(), put(t, b, "a", ""), func(c store.Change) error {
		if len(c.Keys) > 0 {
			t.Errorf("told the keys %q of another prefix", c.Keys)
		}
		told <- c.Rev
		return nil
	})
	var slowest time.Duration
	for range 50 {
		put(t, other, "a", "")
		var rev int64
		if err := b.View(t.Context(), func(r store.Reader) error { rev = r.Rev(); return nil }); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for {
			select {
			case got := <-told:
				if got < rev {
					continue
				}
			case <-time.After(patience):
				t.Fatalf("not told revision %d", rev)
			}
			break
		}
		slowest = max(slowest, time.Since(began))
	}
	t.Logf("told after at most %v", slowest)
}

// A watch at a stopped member ends as soon as reads have left the member, and the next watch is at another one.
func TestWatchAtStoppedMember(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 3)
	c := config(t, servers)
	b := open(t, c)
	c.Endpoints = c.Endpoints[1:]
	other := open(t, c)
	rev := put(t, b, "a", "1")
	ended, told := make(chan error, 1), make(chan bool, 1000)
	go func() {
		ended <- b.Watch(t.Context(), rev, func(store.Change) error {
			told <- true
			return nil
		})
	}()
	put(t, b, "a", "2")
	<-told
	servers[0].signal(t, syscall.SIGSTOP)
	defer servers[0].signal(t, syscall.SIGCONT)
	waitFor(t, "a commit of another node", func() bool {
		_, err := other.Commit(t.Context(), write("b"))
		return err == nil
	})
	if !has(t, b, "b") {
		t.Error("a View does not see the commit")
	}
	select {
	case err := <-ended:
		if err == nil || !strings.Contains(err.Error(), "reads go to another one") {
			t.Errorf("the watch ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the watch does not end")
	}
	err := b.Watch(t.Context(), rev, func(c store.Change) error { return errEnough })
	if !errors.Is(err, errEnough) {
		t.Errorf("the next watch: %v", err)
	}
}

// A watcher whose consumer is stopped while others write much keeps a bounded number of changes. Its watch ends, so
// that the consumer reads everything again.
func TestSlowConsumer(t *testing.T) {
	if os.Getenv("KEYHOLD_CLUSTER") == "" {
		t.Skip("it writes 100,000 records: make cluster")
	}
	t.Parallel()
	servers := startCluster(t, 1, "--unsafe-no-fsync")
	b := open(t, config(t, servers))
	rev, busy, goOn, ended := put(t, b, "a", ""), make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		told := 0
		ended <- b.Watch(t.Context(), rev, func(store.Change) error {
			if told++; told == 1 {
				close(busy)
			}
			<-goOn
			return nil
		})
	}()
	put(t, b, "a", "")
	<-busy
	for i := range 800 {
		var batch store.Batch
		for k := range store.MaxBatch {
			batch.Writes = append(batch.Writes, store.Write{Key: fmt.Append(nil, i%8, "/", k), Value: []byte("x")})
		}
		if _, err := b.Commit(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "the watch ends", func() bool {
		select {
		case goOn <- struct{}{}:
		default:
		}
		return len(ended) == 1
	})
	if err := <-ended; !errors.Is(err, store.ErrCompacted) {
		t.Error(err)
	}
}
