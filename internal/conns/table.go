// Package conns limits the cost of connections: their number in total and per address, the memory of unfinished
// requests, and the time of TLS handshakes. At a limit, it first closes the connections that have waited
// longest for their clients. It supports the PROXY protocol, because behind a load balancer all connections
// come from one address.
//
// It does not parse HTTP: the server reports when a request is complete.
package conns

import (
	"cmp"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// DefaultMax is the default limit of connections in a Table. An idle connection with TLS costs about 30
	// KiB.
	DefaultMax = 4096
	// Budget is the limit in bytes of all unfinished requests together. Requests of at most allowance bytes are
	// not counted.
	Budget = 48 << 20
	// allowance is the size in bytes up to which requests are not counted: the header and a body of typical
	// size.
	allowance = 32 << 10
	// stalled is the time after which a client that does not read its answer makes the connection idle.
	stalled = 2 * time.Second
)

// ErrBusy is returned by Read when there is no memory for the request.
var ErrBusy = errors.New("conns: unfinished requests use all the memory set aside for them")

// A Config configures a Table.
type Config struct {
	Max  int         // total number of connections; 0 means DefaultMax
	TLS  *tls.Config // nil means no TLS
	Log  *slog.Logger
	Now  func() time.Time // nil means time.Now
	Busy int              // handshakes, and strangers' requests, computed at a time; 0 means half of the processors

	// Proxies are load balancers, whose connections begin with a PROXY header of version 1 or 2. The header is
	// not accepted from other addresses.
	Proxies []netip.Prefix
	// Shared are addresses of proxies with many clients. Their connections are not closed earlier for being
	// many.
	Shared []netip.Prefix
}

// A Table contains all connections of a server.
type Table struct {
	Config
	secure    atomic.Pointer[tls.Config] // of handshakes, if TLS is not nil
	held      atomic.Int64               // bytes of unfinished requests, at most Budget
	computing chan struct{}              // a place for each handshake in computation
	strangers chan struct{}              // a place for each stranger's request in verification

	mu     sync.Mutex
	conns  map[*Conn]struct{} // nil after Close
	next   []candidate        // connections to close next, in this order
	logged time.Time          // when reaching a limit was last logged

	fulls, overdrafts atomic.Uint64 // how often the limits of connections and of memory were reached
}

// Stats are numbers about a Table.
type Stats struct {
	Connections, Max int
	Held             int64  // bytes of unfinished requests that are counted
	Fulls            uint64 // connections that came when the table was full
	Overdrafts       uint64 // times when unfinished requests exceeded the Budget
}

// Stats returns the numbers of now, and those since the Table was made.
func (t *Table) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Stats{len(t.conns), t.Max, t.held.Load(), t.fulls.Load(), t.overdrafts.Load()}
}

// New returns an empty Table.
func New(c Config) *Table {
	if c.Max == 0 {
		c.Max = DefaultMax
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Busy == 0 {
		c.Busy = max(1, runtime.GOMAXPROCS(0)/2)
	}
	t := &Table{Config: c, conns: map[*Conn]struct{}{}, strangers: make(chan struct{}, c.Busy)}
	if c.TLS != nil {
		t.limitHandshakes()
	}
	return t
}

// Close closes all connections and accepts no more.
func (t *Table) Close() {
	t.mu.Lock()
	all := t.conns
	t.conns, t.next = nil, nil
	t.mu.Unlock()
	for c := range all {
		c.state.Store(ended)
		c.wire.Close()
	}
}

// admit adds a connection to the table. At the limit, it closes another one. If all others are being answered,
// it closes the new one and returns nil.
func (t *Table) admit(accepted net.Conn) *Conn {
	c := newConn(t, accepted)
	t.mu.Lock()
	var out *Conn
	full := t.conns != nil && len(t.conns) >= t.Max
	if full {
		t.fulls.Add(1)
		out = t.evict()
	}
	ok := t.conns != nil && (!full || out != nil)
	if ok {
		t.conns[c] = struct{}{}
	}
	tell := full && t.mayLog()
	t.mu.Unlock()
	if tell {
		t.Log.Warn("the limit of connections is reached: the server closes the connections that have waited longest for "+
			"their clients", "limit", t.Max)
	}
	if out != nil {
		out.wire.Close()
	}
	if !ok {
		accepted.Close()
		return nil
	}
	return c
}

// makeRoom closes the next connection in order, and reports whether there was one.
func (t *Table) makeRoom() bool {
	t.mu.Lock()
	out := t.evict()
	t.mu.Unlock()
	if out != nil {
		out.wire.Close()
	}
	return out != nil
}

// mayLog reports whether to log that a limit is reached, at most once per minute. The caller holds t.mu.
func (t *Table) mayLog() bool {
	now := t.Now()
	if now.Sub(t.logged) < time.Minute {
		return false
	}
	t.logged = now
	return true
}

// mayLogNow is mayLog for callers that do not hold the mutex.
func (t *Table) mayLogNow() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.mayLog()
}

// logNotAccepted logs, at most once per minute, why a connection was not accepted. Strangers can use all descriptors.
func (t *Table) logNotAccepted(err error) {
	if t.mayLogNow() {
		t.Log.Warn("cannot accept a connection; this is logged at most once per minute", "error", err)
	}
}

// evict removes the connection that should be closed next, or returns nil. The order is computed for many
// connections at a time. Connections that have made progress since then are skipped. The caller holds t.mu and
// must close the result.
func (t *Table) evict() *Conn {
	for range 2 {
		for len(t.next) > 0 {
			k := t.next[0]
			t.next = t.next[1:]
			if _, here := t.conns[k.conn]; here && k.conn.since.Load() == k.since && k.conn.end() {
				delete(t.conns, k.conn)
				return k.conn
			}
		}
		t.next = t.order(func(*Conn) bool { return true })
		t.next = t.next[:min(len(t.next), 1+len(t.conns)/16)]
	}
	return nil
}

// order returns the connections that may be closed, in the order in which to close them. If any of them are
// strangers, it returns only strangers. The caller holds t.mu.
func (t *Table) order(which func(*Conn) bool) []candidate {
	now := t.Now()
	crowds := map[netip.Addr]int{}
	var all []candidate
	for c := range t.conns {
		p := c.wire.peer.Load()
		crowds[p.group]++
		if c.idle(now) && which(c) {
			all = append(all, candidate{conn: c, since: c.since.Load(), stranger: !c.known.Load(), group: p.group})
		}
	}
	return inOrder(all, crowds)
}

// A candidate is a connection that may be closed.
type candidate struct {
	conn     *Conn
	since    int64 // when it started to wait
	stranger bool  // the signature of its last request was not verified
	group    netip.Addr
	level    int // number of connections of its address when it is the oldest of them
}

// inOrder sorts candidates: repeatedly the oldest connection of the address that then has the most, where
// crowds counts all connections of each address. Each address without a group counts as having one connection.
// If there are strangers, the others are left out.
func inOrder(all []candidate, crowds map[netip.Addr]int) []candidate {
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(a.since, b.since) })
	left := map[netip.Addr]int{}
	for i := range all {
		k := &all[i]
		k.level = 1
		if k.group.IsValid() {
			left[k.group]++
			k.level = 1 + crowds[k.group] - left[k.group]
		}
	}
	if slices.ContainsFunc(all, func(k candidate) bool { return k.stranger }) {
		all = slices.DeleteFunc(all, func(k candidate) bool { return !k.stranger })
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.level, a.level) })
	return all
}

// hold counts n more bytes of an unfinished request. Above the budget, it closes the connections with counted
// bytes that have waited longest. If c itself is the next of them, hold returns ErrBusy.
func (t *Table) hold(c *Conn, n int64) error {
	c.held.Add(n)
	if t.held.Add(n) <= Budget {
		return nil
	}
	t.overdrafts.Add(1)
	for _, out := range t.reclaim(c) {
		out.wire.Close()
	}
	if t.held.Load() > Budget {
		t.release(c)
		return ErrBusy
	}
	return nil
}

// reclaim removes connections from the table until unfinished requests are within the budget or c is next, and
// returns them.
func (t *Table) reclaim(c *Conn) (out []*Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.mayLog() {
		t.Log.Warn("unfinished requests use all the memory set aside for them: the server closes the connections that "+
			"have waited longest", "bytes", Budget)
	}
	for range 2 { // strangers, then others
		for _, k := range t.order(func(c *Conn) bool { return c.held.Load() > 0 }) {
			if t.held.Load() <= Budget || k.conn == c {
				return out
			}
			if k.conn.end() {
				delete(t.conns, k.conn)
				out = append(out, k.conn)
			}
		}
	}
	return out
}

// release stops counting the bytes of a connection.
func (t *Table) release(c *Conn) {
	if n := c.held.Swap(0); n != 0 {
		t.held.Add(-n)
	}
}

func (t *Table) remove(c *Conn) {
	t.release(c)
	t.mu.Lock()
	delete(t.conns, c)
	t.mu.Unlock()
}
