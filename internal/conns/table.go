// Package conns bounds what connections cost a server: how many there are, in total and
// per address, what their unfinished requests hold, and how long a TLS handshake takes.
// At a bound it closes the connections first that have waited longest for their client.
// It knows the PROXY protocol, because behind a balancer all connections come from one
// address.
//
// It does not read HTTP: the server reports when a request is complete.
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
	// DefaultMax is how many connections a Table admits unless its Config says otherwise.
	// An idle connection costs about 30 KiB with TLS.
	DefaultMax = 4096
	// Budget is how many bytes all unfinished requests may hold together, those aside
	// that hold no more than allowance.
	Budget = 48 << 20
	// allowance is what a request may hold without being counted: its header and a body
	// as most operations have it.
	allowance = 32 << 10
	// stalled is how long a client may leave an answer untaken before its connection
	// counts as idle.
	stalled = 2 * time.Second
)

// ErrBusy is the error of reading a request for which there is no memory left.
var ErrBusy = errors.New("conns: unfinished requests hold as much memory as they may")

// A Config says what a Table admits.
type Config struct {
	Max  int         // connections in total; 0 means DefaultMax
	TLS  *tls.Config // nil means connections without TLS
	Log  *slog.Logger
	Now  func() time.Time // nil means time.Now
	Busy int              // strangers for whom the server computes at a time; 0 means half of the processors

	// Proxies are the balancers whose connections begin with a PROXY header, of version
	// 1 or 2. A header from any other address is not taken for one.
	Proxies []netip.Prefix
	// Shared are addresses of proxies that speak for many clients: they are not closed
	// earlier because they have many connections.
	Shared []netip.Prefix
}

// A Table holds all connections of a server.
type Table struct {
	Config
	held      atomic.Int64  // bytes of unfinished requests, of at most Budget
	computing chan struct{} // a place for each handshake that computes
	strangers chan struct{} // a place for each stranger's request that is verified

	mu    sync.Mutex
	conns map[*Conn]struct{} // nil once the Table is closed
	next  []candidate        // what to close next, in this order
	told  time.Time          // when a bound was last logged
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
		t.secure()
	}
	return t
}

// Close closes all connections and admits no more.
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

// admit makes a connection one of the table. At the limit another one is closed for it;
// if all are being answered, the new one is closed and admit returns nil.
func (t *Table) admit(accepted net.Conn) *Conn {
	c := newConn(t, accepted)
	t.mu.Lock()
	var out *Conn
	full := t.conns != nil && len(t.conns) >= t.Max
	if full {
		out = t.evict()
	}
	ok := t.conns != nil && (!full || out != nil)
	if ok {
		t.conns[c] = struct{}{}
	}
	tell := full && t.tell()
	t.mu.Unlock()
	if tell {
		t.Log.Warn("the limit of connections is reached: those that have waited longest for their clients are closed", "limit", t.Max)
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

// makeRoom closes the connection that is next, and reports whether there was one.
func (t *Table) makeRoom() bool {
	t.mu.Lock()
	out := t.evict()
	t.mu.Unlock()
	if out != nil {
		out.wire.Close()
	}
	return out != nil
}

// tell reports whether a bound is to be logged, which happens once a minute at most. The
// caller holds t.mu.
func (t *Table) tell() bool {
	now := t.Now()
	if now.Sub(t.told) < time.Minute {
		return false
	}
	t.told = now
	return true
}

// evict takes the connection out of the table that is to be closed next, or returns nil.
// The order is computed for many at a time; a connection that has made progress since
// then is not the oldest any more and is passed over. The caller holds t.mu and closes
// what evict returns.
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

// order returns the connections that may be closed, those first that are to go first.
// While there are strangers, it returns strangers alone. The caller holds t.mu.
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
	since    int64 // when it began to wait
	stranger bool  // its last request had no verified signature
	group    netip.Addr
	level    int // how many connections its address has when it is the oldest of them
}

// inOrder sorts candidates: strangers before others, then the oldest of the address that
// has most connections, again and again; crowds says how many these are. Addresses of no
// group count as having one. Others are left out while there are strangers.
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

// hold counts n more bytes that the unfinished request of a connection holds. Beyond the
// budget those end that hold something and have waited longest. If the connection itself
// is the next of them, hold returns ErrBusy.
func (t *Table) hold(c *Conn, n int64) error {
	c.held.Add(n)
	if t.held.Add(n) <= Budget {
		return nil
	}
	for _, out := range t.reclaim(c) {
		out.wire.Close()
	}
	if t.held.Load() > Budget {
		t.release(c)
		return ErrBusy
	}
	return nil
}

// reclaim takes connections out of the table, until unfinished requests hold no more than
// they may or c is next, and returns them.
func (t *Table) reclaim(c *Conn) (out []*Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tell() {
		t.Log.Warn("unfinished requests hold as much memory as they may: those that have waited longest are ended", "bytes", Budget)
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

// release counts no longer what a connection holds.
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
