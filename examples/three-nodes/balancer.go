package main

import (
	"errors"
	"io"
	"net"
	"sync"
)

// A balancer passes each connection on to the next node that accepts it.
type balancer struct {
	listener net.Listener

	mu    sync.Mutex
	nodes []string // addresses
	next  int
}

// balance starts a balancer on the loopback interface.
func balance(nodes []*node) (*balancer, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	b := &balancer{listener: l}
	for _, n := range nodes {
		b.nodes = append(b.nodes, n.address)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.pass(c)
		}
	}()
	return b, nil
}

// pass copies bytes between a client and a node until one of them ends.
func (b *balancer) pass(client net.Conn) {
	defer client.Close()
	server, err := b.dial()
	if err != nil {
		return
	}
	defer server.Close()
	go func() {
		_, _ = io.Copy(server, client)
		server.Close()
	}()
	_, _ = io.Copy(client, server)
}

func (b *balancer) dial() (net.Conn, error) {
	for range b.nodes {
		b.mu.Lock()
		address := b.nodes[b.next%len(b.nodes)]
		b.next++
		b.mu.Unlock()
		if c, err := net.Dial("tcp", address); err == nil {
			return c, nil
		}
	}
	return nil, errors.New("no node accepts a connection")
}
