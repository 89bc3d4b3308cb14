package conns

import (
	"io"
	"net/netip"
	"strings"
	"testing"

	"github.com/pires/go-proxyproto"
)

// header returns a PROXY header of version 2 with this number of additional bytes.
func header(command proxyproto.ProtocolVersionAndCommand, from string, more int) string {
	h := proxyproto.HeaderProxyFromAddrs(2, tcp(from), tcp(from))
	h.Command = command
	if err := h.SetTLVs([]proxyproto.TLV{{Type: proxyproto.PP2_TYPE_NOOP, Value: make([]byte, more)}}); err != nil {
		panic(err)
	}
	text, err := h.Format()
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Connections from load balancers begin with a PROXY header, which names the client. On other connections, such
// a header is data.
func TestProxyProtocol(t *testing.T) {
	const balancer = "10.0.0.1"
	f := newFixture(t, Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}})
	for _, c := range []struct{ name, from, text, want, rest string }{
		{"version 1", balancer, "PROXY TCP4 192.0.2.1 10.0.0.1 5 443\r\nGET /", "192.0.2.1", "GET /"},
		{"version 1 of IPv6", balancer, "PROXY TCP6 2001:db8::1 2001:db8::2 5 443\r\nGET /", "2001:db8::1", "GET /"},
		{"version 1 without an address", balancer, "PROXY UNKNOWN\r\nGET /", balancer, "GET /"},
		{"version 2", balancer, header(proxyproto.PROXY, one, 10) + "GET /", one, "GET /"},
		{"version 2 with much besides", balancer, header(proxyproto.PROXY, one, 3000) + "GET /", one, "GET /"},
		{"version 2 with too much", balancer, header(proxyproto.PROXY, one, 5000) + "GET /", "", ""},
		{"version 2 of the balancer", balancer, header(proxyproto.LOCAL, one, 10) + "GET /", balancer, "GET /"},
		{"version 2 with more than is kept", balancer, header(proxyproto.PROXY, one, 10) + strings.Repeat("x", 1000), one, strings.Repeat("x", 1000)},
		{"no header", balancer, "GET / HTTP/1.1\r\n", "", ""},
		{"half a header", balancer, "PROXY TCP4 192.0.2.1", "", ""},
		{"a header without end", balancer, "PROXY TCP4 " + strings.Repeat("1", 200), "", ""},
		{"another version", balancer, "PROXY TCP9 192.0.2.1 10.0.0.1 5 443\r\nGET /", "", ""},
		{"from another address", two, "PROXY TCP4 192.0.2.1 10.0.0.1 5 443\r\nGET /", two, "PROXY TCP4 192.0.2.1 10.0.0.1 5 443\r\nGET /"},
	} {
		conn, raw := f.say(c.from, c.text)
		raw.ends = true
		rest, err := io.ReadAll(conn)
		switch {
		case (err != nil) != (c.want == ""):
			t.Errorf("%s: %v", c.name, err)
		case err == nil && (conn.Source().Text != c.want || string(rest) != c.rest || conn.RemoteAddr().String() != conn.Source().addr.String()):
			t.Errorf("%s: from %s: %q, want %s: %q", c.name, conn.Source().Text, rest, c.want, c.rest)
		}
	}
}

// Clients behind a load balancer are counted by their own addresses.
func TestProxiedGroups(t *testing.T) {
	f := newFixture(t, Config{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}, Max: 4})
	_, honest := f.say("10.0.0.1", "")
	honest.text = strings.NewReader("PROXY TCP4 192.0.2.9 10.0.0.1 5 443\r\n")
	for c := range f.conns {
		f.await(c, 1)
	}
	for range 10 {
		c, _ := f.say("10.0.0.1", "PROXY TCP4 192.0.2.1 10.0.0.1 5 443\r\nx")
		f.await(c, 1)
	}
	if honest.isClosed() {
		t.Error("a client pays for another client of the balancer")
	}
}
