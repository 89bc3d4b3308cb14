package cluster

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/keyhold/keyhold/internal/store/etcd"
)

// patience is the time in which everything must have happened, also on a busy machine.
const patience = 2 * time.Minute

// A server is a member of a cluster in a process of its own, so that signals can stop and kill it.
type server struct {
	name, folder string
	client, peer string // addresses, host:port
	via          string // the address that the other members use, if not peer
	scheme       string
	args         []string
	process      *exec.Cmd
}

// startCluster starts a cluster of n members, and stops it when the test ends.
func startCluster(t testing.TB, n int, args ...string) []*server {
	t.Helper()
	servers := newServers(t, n, args...)
	for _, s := range servers {
		s.start(t)
	}
	waitForLeader(t, servers)
	return servers
}

func newServers(t testing.TB, n int, args ...string) []*server {
	t.Helper()
	var servers []*server
	var peers []string
	for i := range n {
		name := fmt.Sprintf("member%d", i)
		s := &server{name: name, folder: filepath.Join(t.TempDir(), name), client: freeAddress(t), peer: freeAddress(t),
			scheme: "http"}
		servers = append(servers, s)
		peers = append(peers, fmt.Sprintf("%s=http://%s", name, s.peer))
	}
	for _, s := range servers {
		s.args = append([]string{"--initial-cluster", strings.Join(peers, ","), "--initial-cluster-token", t.Name(),
			"--log-level", "error", "--heartbeat-interval", "50", "--election-timeout", "1000"}, args...)
	}
	return servers
}

// start starts the process of a server, again after kill.
func (s *server) start(t testing.TB) {
	t.Helper()
	client, peer, via := s.scheme+"://"+s.client, "http://"+s.peer, "http://"+cmp.Or(s.via, s.peer)
	s.process = exec.Command(program(), append([]string{"--name", s.name, "--data-dir", s.folder,
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", via}, s.args...)...)
	s.process.Env = append(os.Environ(), asServer+"=1")
	endWithTest(s.process)
	log, err := os.OpenFile(s.folder+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.process.Stdout, s.process.Stderr = log, log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	process := s.process
	t.Cleanup(func() {
		process.Process.Signal(syscall.SIGCONT)
		process.Process.Kill()
		process.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(s.folder + ".log")
			t.Logf("log of %s:\n%s", s.name, text)
		}
	})
}

// program returns the program of a server: KEYHOLD_ETCD, for other versions, or the test itself.
func program() string {
	if other := os.Getenv("KEYHOLD_ETCD"); other != "" {
		return other
	}
	return os.Args[0]
}

// signal sends a signal. After SIGSTOP it waits until all threads have stopped, which the kernel does a moment later.
func (s *server) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := s.process.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	if signal == syscall.SIGSTOP {
		waitFor(t, "all threads have stopped", func() bool { return hasStopped(s.process.Process.Pid) })
	}
}

// hasStopped reports whether no thread of a process runs (proc_pid_stat(5)).
func hasStopped(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, thread := range threads {
		text, failed := os.ReadFile(thread)
		if _, state, _ := bytes.Cut(text, []byte(") ")); failed == nil && !bytes.HasPrefix(state, []byte("T")) {
			return false
		}
	}
	return err == nil
}

// kill kills the process and waits until it has ended.
func (s *server) kill(t *testing.T) {
	t.Helper()
	s.signal(t, syscall.SIGKILL)
	s.process.Wait()
}

// waitForLeader returns when the members answer.
func waitForLeader(t testing.TB, servers []*server) {
	t.Helper()
	client := admin(t, servers)
	deadline := time.Now().Add(patience)
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := client.Get(ctx, "leader")
		cancel()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the cluster does not answer: %v", err)
		}
	}
}

// admin returns a client of etcd beside the Backend.
func admin(t testing.TB, servers []*server) *clientv3.Client {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: addresses(servers), Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return client
}

func addresses(servers []*server) (all []string) {
	for _, s := range servers {
		all = append(all, s.client)
	}
	return all
}

// port is the last port that freeAddress returned, less 20000. The kernel gives higher ports to connections and to
// listeners without a port (ip_local_port_range in ip(7)), so the ports from 20000 to 31999 stay free.
var port atomic.Int32

// freeAddress returns an address that nobody uses, and that no other test gets.
func freeAddress(t testing.TB) string {
	t.Helper()
	port.CompareAndSwap(0, rand.Int32N(12000))
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 20000+port.Add(1)%12000)
		if l, err := net.Listen("tcp", address); err == nil {
			l.Close()
			return address
		}
	}
	t.Fatal("no port is free")
	return ""
}

// config returns the Config of a deployment with a prefix of its own.
func config(t testing.TB, servers []*server) etcd.Config {
	prefix := strings.NewReplacer("/", ".", "#", ".", ",", ".").Replace(t.Name())
	return etcd.Config{Endpoints: addresses(servers), Prefix: prefix, Timeout: 30 * time.Second}
}

// open opens a Backend, and closes it when the test ends.
func open(t testing.TB, c etcd.Config) *etcd.Backend {
	t.Helper()
	b, err := etcd.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}
