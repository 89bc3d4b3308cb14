package cluster

import (
	"fmt"
	"os/exec"
	"syscall"
	"time"
)

// A fault is something that happens to a node or a server of the store until its end is called.
type fault struct {
	name   string
	member bool // the process of a server of the store; a scenario has one such fault
	begin  func(s *scenario) (on string, end func())
}

// slowSync makes the syncs of a process take so long.
const slowSync = 150 * time.Millisecond

// nodeFaults happen to nodes, whatever their store is.
var nodeFaults = []fault{
	{"kill -9 of a node", false, func(s *scenario) (string, func()) {
		n := s.node()
		n.hold(true)
		n.signal(syscall.SIGKILL)
		return n.name, func() { n.hold(false) }
	}},
	{"SIGSTOP of a node", false, func(s *scenario) (string, func()) {
		n := s.node()
		n.signal(syscall.SIGSTOP)
		return n.name, func() { n.signal(syscall.SIGCONT) }
	}},
	{"a node is cut off", false, func(s *scenario) (string, func()) {
		return s.links((*link).sever)
	}},
	{"the store does not hear a node", false, func(s *scenario) (string, func()) {
		return s.links(func(l *link) { l.hold(there) })
	}},
	{"a node does not hear the store", false, func(s *scenario) (string, func()) {
		return s.links(func(l *link) { l.hold(back) })
	}},
	{"the network of a node is silent", false, func(s *scenario) (string, func()) {
		return s.links(func(l *link) { l.hold(there, back) })
	}},
	{"the network of a node is slow", false, func(s *scenario) (string, func()) {
		by := time.Duration(10+s.n(150)) * time.Millisecond
		return s.links(func(l *link) { l.slow(by) })
	}},
	{"a node does not reach a server of the store", false, func(s *scenario) (string, func()) {
		n := s.node()
		l := n.links[s.n(len(n.links))]
		l.sever()
		return n.name, func() { l.heal(true) }
	}},
	{"slow syncs of a node", false, func(s *scenario) (string, func()) {
		n := s.node()
		return n.name, s.slowSyncs(n.pid())
	}},
	{"the clock of a node is moved", false, func(s *scenario) (string, func()) {
		n := s.node()
		ahead := time.Duration(s.n(20)-10) * time.Second
		n.move(ahead)
		return fmt.Sprint(n.name, " ", ahead), func() { n.move(0) }
	}},
}

// etcdFaults happen to members of etcd.
var etcdFaults = []fault{
	{"kill -9 of a member", true, func(s *scenario) (string, func()) {
		m := s.member()
		m.kill(s.T)
		return m.name, func() { m.start(s.round.T) }
	}},
	{"SIGSTOP of a member", true, func(s *scenario) (string, func()) {
		m := s.member()
		m.signal(s.T, syscall.SIGSTOP)
		return m.name, func() { m.signal(s.T, syscall.SIGCONT) }
	}},
	{"SIGSTOP of a majority", true, func(s *scenario) (string, func()) {
		stopped := s.servers[:len(s.servers)/2+1]
		for _, m := range stopped {
			m.signal(s.T, syscall.SIGSTOP)
		}
		return "", func() {
			for _, m := range stopped {
				m.signal(s.T, syscall.SIGCONT)
			}
		}
	}},
	{"the other members do not reach a member", false, func(s *scenario) (string, func()) {
		return s.peer((*link).sever)
	}},
	{"the others do not hear a member", false, func(s *scenario) (string, func()) {
		return s.peer(func(l *link) { l.hold(back) })
	}},
	{"a member does not hear the others", false, func(s *scenario) (string, func()) {
		return s.peer(func(l *link) { l.hold(there) })
	}},
	{"the network of a member is slow", false, func(s *scenario) (string, func()) {
		by := time.Duration(10+s.n(100)) * time.Millisecond
		return s.peer(func(l *link) { l.slow(by) })
	}},
	{"slow syncs of a member", true, func(s *scenario) (string, func()) {
		m := s.member()
		return m.name, s.slowSyncs(m.process.Process.Pid)
	}},
}

// links does something to all links of a node.
func (s *scenario) links(begin func(*link)) (on string, end func()) {
	n := s.node()
	for _, l := range n.links {
		begin(l)
	}
	lost := s.n(2) == 0
	return n.name, func() {
		for _, l := range n.links {
			l.heal(lost)
		}
	}
}

// peer does something to the link in front of a member.
func (s *scenario) peer(begin func(*link)) (on string, end func()) {
	i := s.n(len(s.servers))
	begin(s.peers[i])
	lost := s.n(2) == 0
	return s.servers[i].name, func() { s.peers[i].heal(lost) }
}

// slowSyncs makes the syncs of a process slow.
func (s *scenario) slowSyncs(pid int) (end func()) {
	c := exec.Command("strace", "-f", "-qq", "-o", "/dev/null", "-p", fmt.Sprint(pid), "-e", "trace=fdatasync,fsync",
		"-e", fmt.Sprintf("inject=fdatasync,fsync:delay_enter=%d", slowSync.Microseconds()))
	endWithTest(c)
	if err := c.Start(); err != nil {
		s.Logf("without slow syncs: %v", err)
		return func() {}
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if c.Wait(); c.ProcessState.Exited() && !c.ProcessState.Success() {
			s.Logf("without slow syncs: strace: %v", c.ProcessState)
		}
	}()
	return func() {
		c.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			c.Process.Kill()
			<-ended
		}
	}
}
