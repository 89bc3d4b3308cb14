package conns

import (
	"crypto/tls"
	"net"
	"runtime"
	"sync/atomic"
	"time"
)

// The states of a connection.
const (
	waiting   uint32 = iota // for a complete handshake or request
	unproven                // a stranger's complete request waits for its turn, or for its refusal
	answering               // a request is complete and not answered yet
	writing                 // an answer is written
	closing                 // the server closes it
	ended                   // the table has closed it
)

// A Conn is a connection of a Table. Besides Close, one goroutine uses it at a time.
type Conn struct {
	net.Conn // what requests are read from: the wire, or TLS over it
	table    *Table
	wire     *wire
	state    atomic.Uint32
	since    atomic.Int64 // when it began to wait, or to write; Unix time in nanoseconds
	known    atomic.Bool  // the signature of its last request was verified
	turn     bool         // a stranger's request has its turn
	read     int          // bytes of the unfinished request
	held     atomic.Int64 // what of it the table counts
}

// An encrypted is a Conn with TLS.
type encrypted struct{ *Conn }

// newConn returns a connection that waits for its client.
func newConn(t *Table, accepted net.Conn) *Conn {
	w := newWire(t, accepted)
	c := &Conn{Conn: w, table: t, wire: w}
	if t.TLS != nil {
		c.Conn = tls.Server(w, t.TLS)
	}
	c.since.Store(t.Now().UnixNano())
	return c
}

// Of returns the Conn that a connection of a Listener is, or nil.
func Of(c net.Conn) *Conn {
	switch c := c.(type) {
	case *Conn:
		return c
	case encrypted:
		return c.Conn
	}
	return nil
}

// Begin starts the answer of a complete request. From here until more is read from the
// connection, the table does not close it, unless the client does not take the answer.
// Begin returns false when the table has closed the connection before.
//
// Requests of strangers wait for their turn, so that a flood of them leaves processors to
// clients with credentials. While a stranger's request waits for its turn, and once its
// signature was refused, the table may close the connection: else strangers who send many
// requests, or are answered slowly, would keep all places. The turn ends with Judged, or
// with Done.
func (c *Conn) Begin() bool {
	next := answering
	if !c.known.Load() {
		next = unproven
	}
	switch {
	case c.state.CompareAndSwap(waiting, next):
	case c.state.CompareAndSwap(answering, next), c.state.CompareAndSwap(unproven, next):
		runtime.Gosched() // a client that sends many requests at once lets others go first
	default:
		return false
	}
	if next == answering {
		return true
	}
	c.table.strangers <- struct{}{}
	if !c.state.CompareAndSwap(unproven, answering) {
		<-c.table.strangers
		return false
	}
	c.turn = true
	return true
}

// Judged ends the turn of a request when its signature was verified, or refused. What
// follows may take long.
func (c *Conn) Judged(verified bool) {
	if c.known.Load() != verified {
		c.known.Store(verified)
	}
	if !verified {
		c.state.CompareAndSwap(answering, unproven)
	}
	if c.turn {
		c.turn = false
		<-c.table.strangers
	}
}

// Done ends the turn of a request that was answered without a look at its signature.
func (c *Conn) Done() {
	if c.turn {
		c.Judged(false)
	}
}

// Source returns the address of the client. Behind a balancer it is the address that the
// PROXY header names.
func (c *Conn) Source() *Source { return c.wire.peer.Load() }

// idle reports whether the connection waits for its client.
func (c *Conn) idle(now time.Time) bool {
	switch c.state.Load() {
	case waiting, unproven, closing:
		return true
	case writing:
		return now.UnixNano()-c.since.Load() > int64(stalled)
	}
	return false
}

// end makes an idle connection one that has ended, and reports whether it was idle.
func (c *Conn) end() bool {
	for _, s := range []uint32{waiting, unproven, writing, closing} {
		if c.state.CompareAndSwap(s, ended) {
			c.table.release(c)
			return true
		}
	}
	return false
}

// Read reads what the client sends. The server reads again when an answer has been
// written, so Read ends what Begin began.
func (c *Conn) Read(b []byte) (int, error) {
	if s := c.state.Load(); s == answering || s == unproven {
		c.since.Store(c.table.Now().UnixNano())
		c.state.CompareAndSwap(s, waiting)
		c.read = 0
		c.table.release(c)
	}
	// The buffer of a body is as long as the body, before any of it has come.
	if holds := int64(c.read + len(b)); holds > allowance && holds > c.held.Load() {
		if err := c.table.hold(c, holds-c.held.Load()); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(b)
	c.read += n
	return n, err
}

func (c *Conn) Write(b []byte) (int, error) {
	s := c.state.Load()
	if s == answering || s == unproven {
		c.since.Store(c.table.Now().UnixNano())
		c.state.CompareAndSwap(s, writing)
	}
	n, err := c.Conn.Write(b)
	c.state.CompareAndSwap(writing, s)
	return n, err
}

// Close closes the connection. Until it has, which takes TLS up to five seconds if the
// client takes nothing, the connection counts as idle.
func (c *Conn) Close() error {
	if c.state.Swap(closing) == ended {
		c.state.Store(ended)
	}
	defer c.table.remove(c)
	return c.Conn.Close()
}

// Handshake has the client finish the handshake in its time.
func (e encrypted) Handshake() error {
	if err := e.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return err
	}
	return e.Conn.Conn.(*tls.Conn).Handshake()
}

// ConnectionState returns what the handshake agreed on.
func (e encrypted) ConnectionState() tls.ConnectionState {
	return e.Conn.Conn.(*tls.Conn).ConnectionState()
}
