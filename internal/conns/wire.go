package conns

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/pires/go-proxyproto"
)

// A Source is the address of a client.
type Source struct {
	Addr  netip.Addr // invalid if the connection has no IP address
	Text  string     // text of Addr, or "0.0.0.0"
	addr  net.Addr
	group netip.Addr // address for counting connections; invalid if they are not counted
}

// A wire is the underlying connection of a Conn. It reads the PROXY header.
type wire struct {
	net.Conn
	table    *Table
	peer     atomic.Pointer[Source]
	headed   bool          // a PROXY header comes first
	early    *bytes.Reader // bytes that were read together with the PROXY header
	computes atomic.Bool   // a handshake has its turn
}

func newWire(t *Table, accepted net.Conn) *wire {
	w := &wire{Conn: accepted, table: t}
	from := t.source(accepted.RemoteAddr())
	w.peer.Store(from)
	w.headed = Contain(t.Proxies, from.Addr)
	return w
}

// source returns the Source of an address. An IPv6 address is counted by its /64, which is the range of one
// client.
func (t *Table) source(addr net.Addr) *Source {
	s := &Source{addr: addr, Text: "0.0.0.0"}
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return s
	}
	s.Addr = tcp.AddrPort().Addr().Unmap().WithZone("")
	s.Text = s.Addr.String()
	s.group = s.Addr
	if s.Addr.Is6() {
		s.group = netip.PrefixFrom(s.Addr, 64).Masked().Addr()
	}
	if Contain(t.Shared, s.Addr) {
		s.group = netip.Addr{}
	}
	return s
}

// Contain reports whether one of the prefixes contains the address.
func Contain(prefixes []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// RemoteAddr returns the address of the client.
func (w *wire) RemoteAddr() net.Addr { return w.peer.Load().addr }

func (w *wire) Read(b []byte) (int, error) {
	w.yield()
	if w.headed {
		if err := w.readHeader(); err != nil {
			w.table.logRefusedHeader(w.peer.Load(), err)
			return 0, err
		}
		w.headed = false
	}
	if w.early != nil {
		if w.early.Len() > 0 {
			return w.early.Read(b)
		}
		w.early = nil
	}
	return w.Conn.Read(b)
}

func (w *wire) Close() error {
	w.yield()
	return w.Conn.Close()
}

// readHeader reads the PROXY header and keeps the bytes after it (The PROXY protocol, versions 1 and 2, section
// 2). With LOCAL or UNKNOWN, the client is the load balancer.
func (w *wire) readHeader() error {
	in := bufio.NewReaderSize(w.Conn, 256)
	h, err := proxyproto.Read(in)
	if err != nil {
		return err
	}
	if h.Command != proxyproto.LOCAL && h.TransportProtocol != proxyproto.UNSPEC {
		client, ok := h.SourceAddr.(*net.TCPAddr)
		if !ok {
			return errors.New("the PROXY header contains no TCP client address")
		}
		w.peer.Store(w.table.source(client))
	}
	early, err := in.Peek(in.Buffered())
	w.early = bytes.NewReader(slices.Clone(early))
	return err
}

// logRefusedHeader logs, at most once per minute, that a load balancer sent no PROXY header.
func (t *Table) logRefusedHeader(from *Source, err error) {
	if t.mayLogNow() {
		t.Log.Warn(fmt.Sprintf("a connection from %s was closed because it does not begin with a PROXY header, which "+
			"--proxy-protocol-from requires of this address", from.Text), "error", err)
	}
}
