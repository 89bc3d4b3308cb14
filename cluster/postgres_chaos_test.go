package cluster

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// waitForOne makes a primary wait for one standby in each commit.
const waitForOne = "synchronous_standby_names=ANY 1 (*)"

// A pgPair is a primary and its synchronous standby, whose roles change.
type pgPair struct {
	primary, standby *pgServer
}

// TestPostgresChaos is TestChaos on PostgreSQL.
func TestPostgresChaos(t *testing.T) {
	t.Parallel()
	primary, standby := startPair(t, false)
	primary.kill(t)
	standby.kill(t)
	primary.launch(t, waitForOne)
	standby.start(t, waitForOne)
	p := &pgPair{primary: primary, standby: standby}
	e := &chaosEngine{addresses: []string{primary.address, standby.address}, pair: p,
		faults: append(nodeFaults[:len(nodeFaults):len(nodeFaults)], p.faults()...)}
	e.url = func(seed int) string {
		return fmt.Sprintf("postgres://%s/postgres?user=postgres&schema=chaos%d", strings.Join(e.addresses, ","), seed)
	}
	p.synchronous(t)
	runChaos(t, e)
}

// synchronous waits until the standby follows.
func (p *pgPair) synchronous(t testing.TB) {
	t.Helper()
	waitFor(t, "the standby is synchronous", func() bool {
		n, err := p.primary.ask(t, "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'")
		return err == nil && n != "0"
	})
}

// faults happen to the servers of PostgreSQL.
func (p *pgPair) faults() []fault {
	return []fault{
		{"kill -9 of the primary", true, func(s *scenario) (string, func()) {
			p.primary.kill(s.T)
			return "", func() { p.primary.start(s.round.T, waitForOne) }
		}},
		{"SIGSTOP of the primary", true, func(s *scenario) (string, func()) {
			p.primary.signal(syscall.SIGSTOP)
			return "", func() { p.primary.signal(syscall.SIGCONT) }
		}},
		{"kill -9 of the standby", true, func(s *scenario) (string, func()) {
			p.standby.kill(s.T)
			return "", func() { p.standby.start(s.round.T, waitForOne); p.synchronous(s.round.T) }
		}},
		{"SIGSTOP of the standby", true, func(s *scenario) (string, func()) {
			p.standby.signal(syscall.SIGSTOP)
			return "", func() { p.standby.signal(syscall.SIGCONT) }
		}},
		{"kill -9 of a session", true, func(s *scenario) (string, func()) {
			p.endSessions(s, syscall.SIGKILL, 1)
			return "", func() {}
		}},
		{"kill -9 of a session that waits for the standby", true, func(s *scenario) (string, func()) {
			p.standby.signal(syscall.SIGSTOP)
			return "", func() {
				p.endSessions(s, syscall.SIGKILL, 1)
				p.standby.signal(syscall.SIGCONT)
			}
		}},
		{"the waits for the standby are cancelled", true, func(s *scenario) (string, func()) {
			p.standby.signal(syscall.SIGSTOP)
			return "", func() {
				p.endSessions(s, syscall.SIGINT, 100)
				p.standby.signal(syscall.SIGCONT)
			}
		}},
		{"sessions are ended", true, func(s *scenario) (string, func()) {
			p.endSessions(s, syscall.SIGTERM, 100)
			return "", func() {}
		}},
		{"no connection is left", false, func(s *scenario) (string, func()) { return "", p.exhaust() }},
		{"failover after kill -9", true, func(s *scenario) (string, func()) { return p.failover(s, true) }},
		{"failover, and the old primary goes on", true, func(s *scenario) (string, func()) { return p.failover(s, false) }},
		{"slow syncs of the primary", true, func(s *scenario) (string, func()) {
			return "", s.slowSyncs(p.primary.process.Process.Pid)
		}},
	}
}

// endSessions sends a signal to sessions of the primary: SIGINT cancels a statement, and SIGTERM ends a session.
func (p *pgPair) endSessions(s *scenario, signal syscall.Signal, n int) {
	for _, pid := range children(p.primary.process.Process.Pid) {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if strings.Contains(string(text), "postgres postgres 127.0.0.1") && n > 0 {
			syscall.Kill(pid, signal)
			n--
		}
	}
}

// exhaust takes all connections of the primary that are left.
func (p *pgPair) exhaust() (end func()) {
	var taken []*pgx.Conn
	for range 200 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		c, err := pgx.Connect(ctx, p.primary.admin())
		cancel()
		if err != nil {
			break
		}
		taken = append(taken, c)
	}
	return func() {
		for _, c := range taken {
			c.Close(context.Background())
		}
	}
}

// failover makes the standby the primary. The old primary is killed, or goes on without a standby until it becomes the
// standby of the new one.
func (p *pgPair) failover(s *scenario, kill bool) (string, func()) {
	old := p.primary
	if kill {
		old.kill(s.T)
	}
	p.standby.promote(s.T)
	p.primary, p.standby = p.standby, old
	return "", func() {
		if !kill {
			old.kill(s.round.T)
		}
		if err := os.RemoveAll(filepath.Join(old.folder, "data")); err != nil {
			s.round.T.Error(err)
		}
		p.primary.copyTo(s.round.T, old)
		old.start(s.round.T, waitForOne)
		p.synchronous(s.round.T)
	}
}
