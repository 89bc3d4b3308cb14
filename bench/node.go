package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// node compares Decrypt on a node, whose store is on etcd or at a URL, with Decrypt on a server with a store of its
// own.
func (s settings) node() error {
	if s.etcd == "" && s.store == "" {
		return nil
	}
	dir, err := os.MkdirTemp("", "keyhold-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	store := s.store
	if store == "" {
		url, engine, err := startEtcd(s.etcd, dir)
		if err != nil {
			return err
		}
		store = url
		defer func() {
			_ = engine.Process.Kill() // fails only if it has ended
			_ = engine.Wait()         // reports that it was killed
		}()
	}
	if err := leaveFirstProcessor(); err != nil {
		return err
	}
	alone, err := s.startKeyhold(onFirstProcessor)
	if err != nil {
		return err
	}
	defer alone.stop()
	node, err := s.startKeyhold(onFirstProcessor, "--store", store, "--root-key-file", filepath.Join(dir, "root.key"))
	if err != nil {
		return err
	}
	defer node.stop()
	fmt.Println("Decrypt on a node and on a server with a store of its own, in pairs")
	return s.comparePairs("Decrypt", 10, "own store", alone, "node", node, func(a, b measure) float64 {
		return ratio(b.cpu, a.cpu)
	}, "of the CPU; the bar is at most 1.05")
}

// comparePairs runs one load on two servers in turn, and prints each pair and the median of their ratios.
func (s settings) comparePairs(
	operation string, keys int, first string, one *server, second string, other *server,
	compare func(a, b measure) float64, unit string,
) error {
	a, err := prepare(one, operation, keys)
	if err != nil {
		return err
	}
	b, err := prepare(other, operation, keys)
	if err != nil {
		return err
	}
	var ratios []float64
	for range s.runs {
		x, y, err := settings{runs: 1, conns: s.conns, length: s.length}.alternate(a, one, b, other)
		if err != nil {
			return err
		}
		ratios = append(ratios, compare(x, y))
		fmt.Printf("  %-10s %v\n  %-10s %v   %.2f times\n", first, x, second, y, ratios[len(ratios)-1])
	}
	slices.Sort(ratios)
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("  median %.2f %s; load %s\n", ratios[len(ratios)/2], unit, strings.TrimSpace(string(load)))
	return nil
}

// startEtcd starts a server of etcd on the loopback interface, and returns the URL of a store on it.
func startEtcd(program, dir string) (store string, engine *exec.Cmd, err error) {
	var addresses [2]string
	for i := range addresses {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", nil, err
		}
		addresses[i] = l.Addr().String()
		l.Close()
	}
	client, peer := "http://"+addresses[0], "http://"+addresses[1]
	engine = exec.Command(program, "--data-dir", filepath.Join(dir, "etcd"), "--log-level", "error",
		"--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
		"--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	engine.Stderr = os.Stderr
	return "etcd://" + addresses[0] + "/keyhold", engine, engine.Start()
}
