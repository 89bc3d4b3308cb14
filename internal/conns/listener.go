package conns

import (
	"errors"
	"net"
	"sync"
	"time"
)

// Listener returns a listener that adds its connections to the table. The remote address of a connection is the
// address of the client, which a load balancer may report.
func (t *Table) Listener(l net.Listener) net.Listener {
	return &listener{l, t, sync.OnceValue(l.Close)}
}

type listener struct {
	net.Listener
	table *Table
	close func() error // called once
}

func (l *listener) Close() error { return l.close() }

func (l *listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.accept()
		if err != nil {
			return nil, err
		}
		c := l.table.admit(accepted)
		switch {
		case c == nil:
			continue
		case l.table.TLS != nil:
			return tlsConn{c}, nil
		}
		return c, nil
	}
}

// accept retries after temporary errors, for example when all file descriptors are in use. The HTTP server
// would stop.
func (l *listener) accept() (net.Conn, error) {
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		c, err := l.Listener.Accept()
		passing, ok := errors.AsType[interface {
			error
			Temporary() bool
		}](err)
		if !ok || !passing.Temporary() {
			return c, err
		}
		l.table.logNotAccepted(err)
		if !l.table.makeRoom() {
			time.Sleep(wait)
		}
	}
}
