package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A deployment is a server of etcd and the nodes that share it.
type deployment struct {
	folder, keyhold, etcd string
	store                 string // URL of the store
	accessKey, secret     string
	server                *exec.Cmd
	nodes                 []*node
	balancer              *balancer
}

// A node is one keyhold serve.
type node struct {
	name    string
	address string
	process *exec.Cmd
	log     bytes.Buffer // to be read after the end of the node
}

// startEtcd starts the server of etcd.
func (d *deployment) startEtcd() error {
	client, err := freeAddress()
	if err != nil {
		return err
	}
	peer, err := freeAddress()
	if err != nil {
		return err
	}
	d.store = "etcd://" + client + "/keyhold"
	d.server = exec.Command(d.etcd, "--data-dir", filepath.Join(d.folder, "etcd"), "--log-level", "error",
		"--listen-client-urls", "http://"+client, "--advertise-client-urls", "http://"+client,
		"--listen-peer-urls", "http://"+peer, "--initial-advertise-peer-urls", "http://"+peer,
		"--initial-cluster", "default=http://"+peer)
	if err := d.server.Start(); err != nil {
		return fmt.Errorf("start etcd: %w (-etcd names its path)", err)
	}
	return nil
}

// freeAddress returns an address on the loopback interface that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

var credential = regexp.MustCompile(`export AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY)=(\S+)`)

// init makes the deployment, and notes the credentials of its root.
func (d *deployment) init(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, d.keyhold, d.flags("init", "node-1")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("keyhold init: %w: %s", err, out)
	}
	for _, m := range credential.FindAllStringSubmatch(string(out), -1) {
		if m[1] == "SECRET_ACCESS_KEY" {
			d.secret = m[2]
		} else {
			d.accessKey = m[2]
		}
	}
	return nil
}

// flags returns the arguments of a command for the folder of a node.
func (d *deployment) flags(command, name string, more ...string) []string {
	return append([]string{command, "--store", d.store, "--data", filepath.Join(d.folder, name),
		"--root-key-file", filepath.Join(d.folder, "root.key")}, more...)
}

// serve starts a node, and waits until it serves.
func (d *deployment) serve(name string) (*node, error) {
	n := &node{name: name, process: exec.Command(d.keyhold, d.flags("serve", name, "--addr", "127.0.0.1:0")...)}
	n.process.Stderr = &n.log
	out, err := n.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := n.process.Start(); err != nil {
		return nil, err
	}
	// The rest of the banner is not read. It fits in the pipe, so the node does not block.
	for lines := bufio.NewScanner(out); n.address == ""; {
		if !lines.Scan() {
			n.kill()
			return nil, fmt.Errorf("%s ended and named no endpoint in its banner: %s", name, &n.log)
		}
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "endpoint" {
			n.address = strings.TrimPrefix(f[1], "http://")
		}
	}
	d.nodes = append(d.nodes, n)
	return n, nil
}

// kill ends the node as a power failure would, without a chance to tidy up.
func (n *node) kill() {
	_ = n.process.Process.Kill() // fails only if the node has ended
	_ = n.process.Wait()         // reports that it was killed
}

// kill ends everything.
func (d *deployment) kill() {
	for _, n := range d.nodes {
		n.kill()
	}
	if d.balancer != nil {
		d.balancer.listener.Close()
	}
	if d.server != nil && d.server.Process != nil {
		_ = d.server.Process.Kill()
		_ = d.server.Wait()
	}
}

// events returns how often the events of imports that succeeded are in the logs of all nodes, by the ARN of the key
// and the ID of the event.
func (d *deployment) events() (map[string]map[string]int, error) {
	all := map[string]map[string]int{}
	logs, err := filepath.Glob(filepath.Join(d.folder, "node-*", "audit.log"))
	if err == nil && len(logs) == 0 {
		err = errors.New("no node has an audit log")
	}
	for _, name := range logs {
		text, readErr := os.ReadFile(name)
		if readErr != nil {
			return nil, readErr
		}
		for line := range bytes.Lines(text) {
			noteImport(all, line)
		}
	}
	return all, err
}
