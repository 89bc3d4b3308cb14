package cluster

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/programtest"
)

// buildProgram builds keyhold, with flags of go build, once for all tests.
func buildProgram(t *testing.T, flags ...string) string {
	t.Helper()
	programs.Lock()
	defer programs.Unlock()
	name := strings.Join(append([]string{"keyhold"}, flags...), "")
	path := filepath.Join(programs.folder, name)
	if !slices.Contains(programs.built, name) {
		if err := os.Rename(programtest.Build(t, "..", "./cmd/keyhold", flags...), path); err != nil {
			t.Fatal(err)
		}
		programs.built = append(programs.built, name)
	}
	return path
}

// programs are the programs that tests have built. TestMain makes and removes the folder.
var programs struct {
	sync.Mutex
	folder string
	built  []string
	remove []string // other folders that TestMain removes
}

// A deployment is the programs of several nodes, in one folder.
type deployment struct {
	*testing.T
	dir, program, url string
	env               []string
}

func newDeployment(t *testing.T, servers []*server, flags ...string) *deployment {
	t.Helper()
	return deploymentAt(t, "etcd://"+strings.Join(addresses(servers), ",")+"/keyhold", flags...)
}

// deploymentAt returns the deployment whose store has a URL.
func deploymentAt(t *testing.T, url string, flags ...string) *deployment {
	t.Helper()
	return &deployment{t, t.TempDir(), buildProgram(t, flags...), url, os.Environ()}
}

// moveTo makes another part of the same engine the store.
func (d *deployment) moveTo(part string) {
	if url, ok := strings.CutPrefix(d.url, "postgres://"); ok {
		url, _, _ = strings.Cut(url, "&schema=")
		d.url = "postgres://" + url + "&schema=" + part
	} else {
		d.url += "/" + part
	}
}

// run runs keyhold with words, and returns its output.
func (d *deployment) run(words ...string) (string, error) {
	d.Helper()
	ctx, cancel := context.WithTimeout(d.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, d.program, words...)
	c.Dir, c.Env = d.dir, d.env
	out, err := c.CombinedOutput()
	return string(out), err
}

// must runs keyhold, and checks a part of its output.
func (d *deployment) must(part string, words ...string) string {
	d.Helper()
	out, err := d.run(words...)
	if err != nil || !strings.Contains(out, part) {
		d.Fatalf("keyhold %s: %v, without %q\n%s", strings.Join(words, " "), err, part, out)
	}
	return out
}

// refuses runs keyhold, which must fail with a part of its output.
func (d *deployment) refuses(part string, words ...string) {
	d.Helper()
	out, err := d.run(words...)
	if err == nil || !strings.Contains(out, part) {
		d.Errorf("keyhold %s: %v, without %q\n%s", strings.Join(words, " "), err, part, out)
	}
}

// refusesToRestart runs a server that refuses to start with the exit code that tells a supervisor not to try again.
func (d *deployment) refusesToRestart(part string, words ...string) {
	d.Helper()
	out, err := d.run(words...)
	ended, _ := errors.AsType[*exec.ExitError](err)
	if ended == nil || ended.ExitCode() != 6 || !strings.Contains(out, part) {
		d.Errorf("keyhold %s: %v, without %q\n%s", strings.Join(words, " "), err, part, out)
	}
}

// init makes the deployment, and takes its credentials.
func (d *deployment) init() {
	d.Helper()
	out := d.must("Made the deployment", "init", "--store", d.url, "--data", "one", "--root-key-file", "root.key")
	for _, m := range regexp.MustCompile(`export (\S+)`).FindAllStringSubmatch(out, -1) {
		d.env = append(d.env, m[1])
	}
	d.env = append(d.env, "AWS_REGION=us-east-1")
}

// A node is a running server.
type node struct {
	*deployment
	*programtest.Server
	log *bytes.Buffer // to be read after the end of the node
}

// serve starts a node, and returns when it serves.
func (d *deployment) serve(folder string, more ...string) *node {
	d.Helper()
	n, err := d.start(append([]string{"serve", "--store", d.url, "--data", folder, "--root-key-file", "root.key",
		"--addr", "127.0.0.1:0"}, more...)...)
	if err != nil {
		d.Fatalf("the node does not serve: %v\n%s", err, n.log)
	}
	return n
}

// start starts a node by its command.
func (d *deployment) start(words ...string) (*node, error) {
	c := exec.Command(d.program, words...)
	c.Dir, c.Env = d.dir, d.env
	endWithTest(c)
	n := &node{deployment: d, log: new(bytes.Buffer)}
	c.Stderr = n.log
	var err error
	if n.Server, err = programtest.Start(d.Context(), c); err == nil {
		d.Cleanup(func() { n.end(syscall.SIGKILL) })
	}
	return n, err
}

// end ends a node by a signal.
func (n *node) end(signal syscall.Signal) { _ = n.End(signal) } // a node that is killed reports this

// must runs a client command on this node.
func (n *node) must(part string, words ...string) string {
	n.Helper()
	return n.deployment.must(part, append(words, "--endpoint-url", n.Endpoint)...)
}

// becomes waits until the node answers the health check of a load balancer with a status.
func (n *node) becomes(status int) {
	n.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		a, err := http.Get(n.Endpoint + "/health/ready")
		if err == nil && a.Body.Close() == nil && a.StatusCode == status {
			return
		}
		if time.Now().After(deadline) {
			n.Fatalf("the health check does not become %d: %v, %v", status, a, err)
		}
	}
}

// eventually runs keyhold until its output has a part.
func (d *deployment) eventually(part string, words ...string) string {
	d.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(200 * time.Millisecond) {
		out, err := d.run(words...)
		if err == nil && strings.Contains(out, part) {
			return out
		}
		if time.Now().After(deadline) {
			d.Fatalf("keyhold %s: %v, without %q\n%s", strings.Join(words, " "), err, part, out)
		}
	}
}

// Three nodes are one deployment: what one of them acknowledged, the others know. The commands of the operator refuse
// what would be wrong, and the deployment moves between an etcd cluster and a folder.
func TestProgramsOnOneCluster(t *testing.T) {
	t.Parallel()
	testPrograms(t, newDeployment(t, startCluster(t, 1)))
}

func testPrograms(t *testing.T, d *deployment) {
	shared := []string{"--store", d.url, "--root-key-file", "root.key", "--data"}
	in := func(command, folder string) []string { return append(append([]string{command}, shared...), folder) }
	d.refuses("give a copy of the root key file", in("serve", "one")...)
	os.RemoveAll(filepath.Join(d.dir, "one"))
	d.init()
	d.refuses("already contains a deployment, which was left unchanged", "init", "--store", d.url, "--data", "other")
	d.refuses("name the shared store with --store", "serve", "--data", "one", "--root-key-file", "root.key")

	one, two, three := d.serve("one"), d.serve("two"), d.serve("three")
	one.must("Proof", "import", "alias/app", "--create", "--generate", "app.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	two.must("Proof", "import", "alias/app", "--from", "app.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	three.must("expires before", "expiring")
	d.refuses("each node needs a folder of its own", append(in("serve", "two"), "--addr", "127.0.0.1:0")...)
	d.refuses("stop all nodes", in("verify", "one")...)
	d.refuses("stop all nodes", "store", "copy", "--from", d.url, "--to", "folder", "--root-key-file", "root.key")
	for _, n := range []*node{one, two, three} {
		n.end(syscall.SIGTERM)
		if strings.Contains(n.log.String(), "level=ERROR") {
			t.Errorf("%s", n.log)
		}
	}

	d.must(" is sound", in("verify", "two")...)
	id, err := os.ReadFile(filepath.Join(d.dir, "two", "node-id"))
	if err != nil {
		t.Fatal(err)
	}
	toFolder := []string{"store", "copy", "--from", d.url, "--to", "folder", "--root-key-file", "root.key", "--log"}
	log := strings.TrimSpace(string(id)) + "=" + filepath.Join("two", "audit.log")
	d.refuses("is not NODE=FILE", append(toFolder, "two")...)
	d.refuses("is not NODE=FILE", append(toFolder, log, "--log", log)...)
	d.refuses("no such file", append(toFolder, log+"x")...)
	d.refuses("no such node", append(toFolder, "x"+log)...)
	d.refuses("is not whole", append(toFolder, strings.TrimSpace(string(id))+"="+filepath.Join("one", "audit.log"))...)
	if out := d.must("verified", append(toFolder, log)...); strings.Count(out, "whole; the event CopyStore") != 1 || strings.Count(out, "not given; it has at least") != 2 {
		t.Errorf("the logs are not told:\n%s", out)
	}
	d.refuses("has a database of its own", in("serve", "folder")...)
	d.must("is sound", "verify", "--data", "folder", "--root-key-file", "root.key")
	d.moveTo("second")
	d.refuses("is in the folder", "store", "copy", "--from", "folder", "--to", d.url, "--root-key-file", "root.key", "--log", log)
	d.must("verified", "store", "copy", "--from", "folder", "--to", d.url, "--root-key-file", "root.key")
	d.refuses("the target is not empty", "store", "copy", "--from", "folder", "--to", d.url, "--root-key-file", "root.key")
	// A store of PostgreSQL counts its revisions itself, so it can be older than the log of the node.
	d.refusesToRestart("another ", "serve", "--store", d.url, "--root-key-file", "root.key", "--data", "one")
	four := d.serve("four")
	four.must("Proof", "import", "alias/app", "--from", "app.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	four.end(syscall.SIGTERM)
}

// The operator lists, drains and removes nodes. A node that serves, or whose log is not collected, is not removed.
func TestNodeCommands(t *testing.T) {
	t.Parallel()
	d := newDeployment(t, startCluster(t, 1))
	d.init()
	on := func(words ...string) []string {
		return append(append([]string{"node"}, words...), "--store", d.url, "--root-key-file", "root.key")
	}
	one, two := d.serve("one"), d.serve("two")
	text, err := os.ReadFile(filepath.Join(d.dir, "two", "node-id"))
	if err != nil {
		t.Fatal(err)
	}
	id := strings.TrimSpace(string(text))
	if out := d.must(id+"  serving", on("list")...); strings.Count(out, "serving") != 2 {
		t.Errorf("%s", out)
	}
	d.must(`"nodeId": "`+id+`"`, on("list", "--output", "json")...)
	two.becomes(http.StatusOK)
	d.must("", on("drain", id)...)
	d.must(id+"  draining", on("list")...)
	two.becomes(http.StatusServiceUnavailable)
	two.must("expires before", "expiring") // still answers
	d.must("", on("drain", id, "--undo")...)
	two.becomes(http.StatusOK)
	d.must(id+"  serving", on("list")...)
	d.refuses("no such node", on("drain", "nobody")...)
	d.refuses("not stopped", on("remove", id, "--lose-log")...)
	two.end(syscall.SIGKILL)
	d.eventually(id+"  dead", on("list")...)
	empty := filepath.Join(d.dir, "empty")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d.refuses("give --log FILE, or --lose-log", on("remove", id)...)
	d.refuses("give --log FILE, or --lose-log", on("remove", id, "--lose-log", "--log", empty)...)
	one.must("Proof", "import", "alias/a", "--create", "--generate", "a.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	two = d.serve("two")
	two.must("Proof", "import", "alias/b", "--create", "--generate", "b.key", "--no-expiry", "--wrapping-key-spec", "RSA_2048")
	two.end(syscall.SIGTERM)
	d.must(id+"  stopped", on("list")...)
	d.refuses("is not collected", on("remove", id, "--log", empty)...)
	d.refuses("is not whole", on("remove", id, "--log", d.withoutALine(filepath.Join(d.dir, "two", "audit.log")))...)
	d.must("", on("remove", id, "--log", filepath.Join(d.dir, "two", "audit.log"))...)
	for deadline := time.Now().Add(patience); strings.Contains(d.must("", on("list")...), id); time.Sleep(time.Second) {
		if time.Now().After(deadline) {
			t.Fatal("the node is not forgotten")
		}
	}
	one.end(syscall.SIGTERM)
	log, err := os.ReadFile(filepath.Join(d.dir, "one", "audit.log"))
	if err != nil || !bytes.Contains(log, []byte(`"eventName":"RemoveNode"`)) {
		t.Errorf("the log has no RemoveNode: %v", err)
	}
}

// withoutALine returns the path of a copy of a log that lacks its first line, and has its last line twice, so it is not
// too short.
func (d *deployment) withoutALine(log string) string {
	d.Helper()
	text, err := os.ReadFile(log)
	lines := strings.SplitAfter(string(text), "\n")
	copied := filepath.Join(d.dir, "copied.log")
	if err == nil {
		err = os.WriteFile(copied, []byte(strings.Join(lines[1:], "")+strings.Repeat(lines[len(lines)-2], 9)), 0o600)
	}
	if err != nil {
		d.Fatal(err)
	}
	return copied
}

// Dev servers share a store too. Nodes that start at the same moment make one deployment, and the clock of all moves
// before the command ends.
func TestDevNodes(t *testing.T) {
	t.Parallel()
	testDevNodes(t, newDeployment(t, startCluster(t, 1)))
}

func testDevNodes(t *testing.T, d *deployment) {
	dev := func(folder string, more ...string) []string {
		return append([]string{"dev", "--store", d.url, "--data", folder, "--root-key-file", "dev.key", "--addr", "127.0.0.1:0"}, more...)
	}
	started := make(chan *node)
	for _, folder := range []string{"one", "two", "three"} {
		go func() {
			n, err := d.start(dev(folder)...)
			if err != nil {
				t.Errorf("%s: %v\n%s", folder, err, n.log)
			}
			started <- n
		}()
	}
	nodes := []*node{<-started, <-started, <-started}
	if t.Failed() {
		return
	}
	d.env = append(d.env, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=us-east-1")
	nodes[0].must("Proof", "import", "alias/app", "--create", "--generate", "app.key", "--expires", "30d", "--wrapping-key-spec", "RSA_2048")
	nodes[1].must("(620h0m0s ahead", "clock", "advance", "620h")
	nodes[2].must("(620h0m0s ahead", "clock", "show")
	if out, _ := d.run("expiring", "--within", "10d", "--endpoint-url", nodes[2].Endpoint); !strings.Contains(out, "Z  4 ") {
		t.Errorf("the material does not expire in 4 days:\n%s", out)
	}
	d.refuses("has the data of keyhold dev", "serve", "--store", d.url, "--data", "four", "--root-key-file", "dev.key", "--addr", "127.0.0.1:0")
	d.refuses("needs --data DIR", "dev", "--store", d.url)
	d.refuses("give a copy of the root key file", append(dev("five"), "--root-key-file", "none.key")...)
	for _, n := range nodes {
		n.end(syscall.SIGTERM)
	}
	d.moveTo("production")
	os.RemoveAll(filepath.Join(d.dir, "one"))
	d.init()
	d.refuses("has a deployment for production", append(dev("six"), "--root-key-file", "root.key")...)
}
