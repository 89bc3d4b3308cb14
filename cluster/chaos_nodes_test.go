package cluster

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The times of nodes in chaos. The time for which nodes trust their memory is not scaled down.
const (
	chaosBeat    = 500 * time.Millisecond
	chaosSilence = 3 * time.Second
)

// behindLinks puts links between the members of a cluster that is not started yet. A link is in front of each member:
// without it, the member hears the others on the connections that it opens itself.
func behindLinks(t testing.TB, servers []*server) (links []*link) {
	t.Helper()
	for _, s := range servers {
		l := newLink(t, s.peer)
		s.via = l.address
		links = append(links, l)
	}
	for _, s := range servers {
		for _, other := range servers {
			s.args[1] = strings.Replace(s.args[1], other.peer, other.via, 1)
		}
	}
	return links
}

// A keptNode is a node with a supervisor, which starts the process again whenever it ends.
type keptNode struct {
	d       *deployment
	name    string
	address string
	links   []*link // to the servers of the store

	mu      sync.Mutex
	process *exec.Cmd
	held    bool // the supervisor does not start the process again
	closing bool
	starts  int
	gone    sync.WaitGroup
}

// keep starts a node behind links of its own.
func (d *deployment) keep(name string, e *chaosEngine) *keptNode {
	d.Helper()
	n := &keptNode{d: d, name: name, address: freeAddress(d.T)}
	store := d.url
	for _, address := range e.addresses {
		l := newLink(d.T, address)
		n.links = append(n.links, l)
		store = strings.Replace(store, address, l.address, 1)
	}
	n.gone.Go(func() { n.run(store) })
	d.Cleanup(func() { n.end(syscall.SIGKILL) })
	return n
}

func (n *keptNode) path(name string) string { return filepath.Join(n.d.dir, n.name+name) }

func (n *keptNode) run(store string) {
	for {
		c := exec.Command(n.d.program, "serve", "--store", store, "--data", n.name, "--root-key-file", "root.key", "--addr", n.address)
		c.Dir = n.d.dir
		endWithTest(c)
		c.Env = append(n.d.env, "KEYHOLD_FAULT_CLOCK="+n.path(".clock"), fmt.Sprint("KEYHOLD_FAULT_BEAT=", chaosBeat),
			fmt.Sprint("KEYHOLD_FAULT_SILENCE=", chaosSilence))
		log, err := os.OpenFile(n.path(".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			n.d.Error(err)
			return
		}
		fmt.Fprintf(log, "--- start at %s\n", time.Now().Format(time.RFC3339Nano))
		c.Stderr = log
		if !n.start(c) {
			log.Close()
			return
		}
		err = c.Wait()
		fmt.Fprintf(log, "--- end at %s: %v\n", time.Now().Format(time.RFC3339Nano), err)
		log.Close()
		for time.Sleep(100 * time.Millisecond); n.isHeld(); {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// hold keeps the supervisor from starting the process again.
func (n *keptNode) hold(held bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.held = held
}

func (n *keptNode) isHeld() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.held && !n.closing
}

// start starts a process, unless the node ends.
func (n *keptNode) start(c *exec.Cmd) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return false
	}
	if err := c.Start(); err != nil {
		n.d.Error(err)
		return false
	}
	n.process = c
	n.starts++
	return true
}

// signal sends a signal to the process, if there is one.
func (n *keptNode) signal(signal syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil {
		n.process.Process.Signal(signal)
	}
}

// end ends the node by a signal, and does not start it again.
func (n *keptNode) end(signal syscall.Signal) {
	n.mu.Lock()
	n.closing = true
	n.mu.Unlock()
	n.signal(syscall.SIGCONT)
	n.signal(signal)
	n.gone.Wait()
}

// pid returns the process, or 0.
func (n *keptNode) pid() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return 0
	}
	return n.process.Process.Pid
}

// ready waits until the node says that it should get requests.
func (n *keptNode) ready(t *testing.T) {
	t.Helper()
	client := http.Client{Timeout: 2 * time.Second}
	last := ""
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		response, err := client.Get("http://" + n.address + "/health/ready")
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
			last = response.Status
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not ready: %s %v\n%s", n.name, last, err, n.logTail())
		}
	}
}

// move moves the clock of the node.
func (n *keptNode) move(ahead time.Duration) {
	if err := os.WriteFile(n.path(".clock"), []byte(ahead.String()), 0o600); err != nil {
		n.d.Error(err)
	}
}

func (n *keptNode) logTail() string {
	text, _ := os.ReadFile(n.path(".log"))
	return string(text[max(0, len(text)-6000):])
}

// wrong are the words of messages that no fault in chaos explains.
var wrong = regexp.MustCompile(`panic|goroutine \d+|corrupt|no such slot|older copy|was copied|already runs as this node|` +
	`does not know this node|older than|data race`)

// checkLog looks for messages that no fault explains.
func (n *keptNode) checkLog() {
	n.d.Helper()
	text, err := os.ReadFile(n.path(".log"))
	if err != nil {
		n.d.Error(err)
	}
	for line := range bytes.Lines(text) {
		if wrong.Match(line) {
			n.d.Errorf("%s says: %s", n.name, line)
		}
	}
}
