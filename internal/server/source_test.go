package server_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/kmstest"
)

// A memoryLog is an audit log in memory.
type memoryLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *memoryLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *memoryLog) Sync() error          { return nil }
func (l *memoryLog) Truncate(int64) error { return nil }
func (l *memoryLog) Close() error         { return nil }

func (l *memoryLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// The audit log contains the client address that a load balancer or forwarder reports, if its own address is
// trusted.
func TestSource(t *testing.T) {
	here, elsewhere := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	const header = "PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n"
	for _, c := range []struct {
		name                string
		proxies, forwarders []netip.Prefix
		before, forwarded   string
		status              int
		want                string
	}{
		{"no proxy", nil, nil, "", "", 200, "127.0.0.1"},
		{"a forged field", nil, elsewhere, "", "192.0.2.8", 200, "127.0.0.1"},
		{"a forwarder", nil, here, "", "192.0.2.8", 200, "192.0.2.8"},
		{"a balancer", here, nil, header, "192.0.2.8", 200, "192.0.2.7"},
		{"a balancer before a forwarder", here, []netip.Prefix{netip.MustParsePrefix("192.0.2.7/32")}, header, "192.0.2.8", 200, "192.0.2.8"},
		{"a balancer that sends no header", here, nil, "", "", 400, ""},
		{"a header from another address", elsewhere, nil, header, "", 400, ""},
		{"a header without a balancer", nil, nil, header, "", 400, ""},
	} {
		events := &memoryLog{}
		address := setup{events: events, forwarders: c.forwarders, conns: conns.Config{Proxies: c.proxies}}.start(t)
		r := rootRequest().request(t, &kmstest.Server{Endpoint: "http://" + address})
		r.Header.Set("X-Forwarded-For", c.forwarded)
		r.Header.Set("Connection", "close")
		var wire bytes.Buffer
		if err := r.Write(&wire); err != nil {
			t.Fatal(err)
		}
		a := sendRaw(t, address, c.before+wire.String())
		if len(a) != 1 || a[0].StatusCode != c.status {
			t.Fatalf("%s: %v", c.name, a)
		}
		if want := fmt.Sprintf(`"sourceIPAddress":"%s"`, c.want); c.want != "" && !strings.Contains(events.String(), want) {
			t.Errorf("%s: %s is not in %s", c.name, want, events)
		}
	}
}
