package server

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/sigv4"
)

// forwards has a row for each request: the client, the address that the request came from, and the values of
// X-Forwarded-For.
const forwards = `
192.0.2.1   192.0.2.1
192.0.2.1   192.0.2.1  192.0.2.9
192.0.2.1   192.0.2.1  10.0.0.1
10.0.0.1    10.0.0.1
192.0.2.9   10.0.0.1   192.0.2.9
192.0.2.9   10.0.0.1   192.0.2.9,10.0.0.2
192.0.2.9   10.0.0.1   192.0.2.9 10.0.0.2
192.0.2.9   10.0.0.1   192.0.2.66,192.0.2.9
192.0.2.9   10.0.0.1   192.0.2.66 192.0.2.9
192.0.2.9   10.0.0.1   192.0.2.66,192.0.2.9,10.0.0.2,10.0.0.3
192.0.2.9   10.0.0.1   192.0.2.9:4711
2001:db8::1 10.0.0.1   [2001:db8::1]:4711
2001:db8::1 10.0.0.1   2001:db8::1
192.0.2.9   10.0.0.1   ::ffff:192.0.2.9
10.0.0.1    10.0.0.1   unknown
10.0.0.2    10.0.0.1   192.0.2.9,unknown,10.0.0.2
10.0.0.1    10.0.0.1   192.0.2.9,
10.0.0.3    10.0.0.1   10.0.0.3
`

// The client is the last address in the list that the client did not write itself.
func TestForwardedFor(t *testing.T) {
	forwarders := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24")}
	for line := range strings.Lines(forwards) {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		h := sigv4.Header{{Name: "host", Value: "a"}}
		for _, value := range f[2:] {
			h = append(h, sigv4.Field{Name: "x-forwarded-for", Value: strings.ReplaceAll(value, ",", " ,\t")})
		}
		peer := netip.MustParseAddr(f[1])
		if got := forwardedFor(h, peer, forwarders).String(); got != f[0] {
			t.Errorf("%s: %s", strings.TrimSpace(line), got)
		}
		if got := forwardedFor(h, peer, nil); got != peer {
			t.Errorf("%s, without forwarders: %s", strings.TrimSpace(line), got)
		}
	}
}
