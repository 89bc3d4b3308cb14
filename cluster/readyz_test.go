package cluster

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Each fault of a node is named by its check of /readyz until the fault is mended: the store does not answer, the clock
// is off, an operator drains the node.
func TestReadyzNamesFaultsOfNodes(t *testing.T) {
	t.Parallel()
	servers := startCluster(t, 1)
	d := newDeployment(t, servers, "-tags", "clockfault")
	d.env = append(d.env, "KEYHOLD_FAULT_BEAT=1s", "KEYHOLD_FAULT_SILENCE=60s")
	d.init()
	clock := filepath.Join(d.dir, "clock")
	for _, name := range []string{"one", "two"} {
		d.serve(name)
	}
	d.env = append(d.env, "KEYHOLD_FAULT_CLOCK="+clock)
	socket := filepath.Join(d.dir, "private")
	three := d.serve("three", "--private-addr", "unix:"+socket)
	id, err := os.ReadFile(filepath.Join(d.dir, "three", "node-id"))
	if err != nil {
		t.Fatal(err)
	}
	drain := []string{"node", "drain", strings.TrimSpace(string(id)), "--store", d.url, "--root-key-file", "root.key"}
	three.failing(socket)
	for _, f := range []struct {
		name         string
		checks       []string
		inject, mend func()
	}{
		{"the node is drained", []string{"node"}, func() { d.must("", drain...) }, func() { d.must("", append(drain, "--undo")...) }},
		{"the clock is a minute ahead", []string{"node", "clock"}, func() { d.write(clock, "1m") }, func() { d.write(clock, "0s") }},
		{"etcd does not answer", []string{"store", "feed"}, func() { servers[0].signal(t, syscall.SIGSTOP) },
			func() { servers[0].signal(t, syscall.SIGCONT) }},
	} {
		begun := time.Now()
		f.inject()
		three.failing(socket, f.checks...)
		named := time.Since(begun)
		begun = time.Now()
		f.mend()
		three.failing(socket)
		t.Logf("%-28s %-12s named after %4.1f s, forgotten after %4.1f s", f.name, strings.Join(f.checks, ","), named.Seconds(), time.Since(begun).Seconds())
	}
}

func (d *deployment) write(path, text string) {
	d.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.Fatal(err)
	}
}

// failing waits until exactly these checks of the node fail.
func (n *node) failing(socket string, checks ...string) {
	n.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	var names []string
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		text, ok := "", false
		if names, text, ok = failingChecks(transport); ok && slices.Equal(names, checks) {
			return
		}
		if time.Now().After(deadline) {
			n.Fatalf("the checks %q fail, want %q:\n%s", names, checks, text)
		}
	}
}

// failingChecks asks a private listener.
func failingChecks(transport *http.Transport) (names []string, text string, ok bool) {
	answer, err := (&http.Client{Transport: transport, Timeout: patience}).Get("http://localhost/readyz?format=json")
	if err != nil {
		return nil, err.Error(), false
	}
	defer answer.Body.Close()
	body, _ := io.ReadAll(answer.Body)
	var in struct {
		Checks []struct{ Name, Reason string }
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.Checks) == 0 {
		return nil, string(body), false
	}
	for _, c := range in.Checks {
		if c.Reason != "" {
			names = append(names, c.Name)
		}
	}
	return names, string(body), true
}
