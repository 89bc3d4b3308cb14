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
	unproven                // a stranger's complete request waits for its turn, or was refused
	answering               // a complete request has no answer yet
	writing                 // the answer is being written
	closing                 // the server is closing the connection
	ended                   // the table has closed the connection
)

// A Conn is a connection in a Table. Except for Close, its methods must not be called concurrently.
type Conn struct {
	net.Conn // source of the requests: the wire, or TLS on top of it
	table    *Table
	wire     *wire
	state    atomic.Uint32
	since    atomic.Int64 // when it started to wait or to write, in Unix nanoseconds
	known    atomic.Bool  // the signature of its last request was verified
	turn     bool         // a request from a stranger has its turn
	read     int          // bytes read of the unfinished request
	held     atomic.Int64 // bytes of it that the table counts
}

// A tlsConn is a Conn with TLS.
type tlsConn struct{ *Conn }

// newConn returns a connection in state waiting.
func newConn(t *Table, accepted net.Conn) *Conn {
	w := newWire(t, accepted)
	c := &Conn{Conn: w, table: t, wire: w}
	if t.TLS != nil {
		c.Conn = tls.Server(w, t.TLS)
	}
	c.since.Store(t.Now().UnixNano())
	return c
}

// Of returns the Conn behind a connection of a Listener, or nil.
func Of(c net.Conn) *Conn {
	switch c := c.(type) {
	case *Conn:
		return c
	case tlsConn:
		return c.Conn
	}
	return nil
}

// Begin starts the answer of a complete request. From now until the next Read, the table does not close the
// connection, unless the client does not read the answer. Begin returns false if the table has closed the
// connection before.
//
// Requests of strangers take turns, so that a flood of them leaves processors to clients with credentials.
// While the request of a stranger waits for its turn, and after its signature was refused, the table may close
// the connection: otherwise strangers could occupy all places by sending many requests or by reading answers
// slowly. FinishVerification or Done ends the turn.
func (c *Conn) Begin() bool {
	next := answering
	if !c.known.Load() {
		next = unproven
	}
	switch {
	case c.state.CompareAndSwap(waiting, next):
	case c.state.CompareAndSwap(answering, next), c.state.CompareAndSwap(unproven, next):
		runtime.Gosched() // a client that sends several requests at once lets others run first
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

// FinishVerification ends the turn of a request whose signature was verified or refused. The rest of the
// request may take longer.
func (c *Conn) FinishVerification(verified bool) {
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

// Done ends the turn of a request that was answered before its signature was checked.
func (c *Conn) Done() {
	if c.turn {
		c.FinishVerification(false)
	}
}

// Source returns the address of the client. Behind a load balancer, it is the address in the PROXY header.
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

// end puts an idle connection into state ended, and reports whether the connection was idle.
func (c *Conn) end() bool {
	for _, s := range []uint32{waiting, unproven, writing, closing} {
		if c.state.CompareAndSwap(s, ended) {
			c.table.release(c)
			return true
		}
	}
	return false
}

// Read reads from the client. The server reads again after it has written an answer, so Read also ends the
// state that Begin entered.
func (c *Conn) Read(b []byte) (int, error) {
	if s := c.state.Load(); s == answering || s == unproven {
		c.since.Store(c.table.Now().UnixNano())
		c.state.CompareAndSwap(s, waiting)
		c.read = 0
		c.table.release(c)
	}
	// The buffer for a body has the full length of the body before any of its bytes have arrived.
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

// Close closes the connection. With TLS this can take up to five seconds if the client does not read. In the
// meantime the connection counts as idle.
func (c *Conn) Close() error {
	if c.state.Swap(closing) == ended {
		c.state.Store(ended)
	}
	defer c.table.remove(c)
	return c.Conn.Close()
}

// Handshake runs the TLS handshake with a time limit.
func (e tlsConn) Handshake() error {
	if err := e.SetDeadline(time.Now().Add(handshakeTime)); err != nil {
		return err
	}
	return e.Conn.Conn.(*tls.Conn).Handshake()
}

// ConnectionState returns the result of the handshake.
func (e tlsConn) ConnectionState() tls.ConnectionState {
	return e.Conn.Conn.(*tls.Conn).ConnectionState()
}
