package conns

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// A fixture is a table with a clock that the test moves.
type fixture struct {
	*Table
	t   *testing.T
	now time.Time
}

func newFixture(t *testing.T, c Config) *fixture {
	f := &fixture{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	c.Now = func() time.Time { return f.now }
	c.Log = slog.New(slog.DiscardHandler)
	f.Table = New(c)
	return f
}

// A fake is a connection that has sent a text and sends nothing more.
type fake struct {
	net.Conn
	from net.Addr
	text *strings.Reader
	ends bool // closed by the client after the text

	written func() // called during a write
	mu      sync.Mutex
	closed  bool
}

func (c *fake) RemoteAddr() net.Addr { return c.from }

func (c *fake) Read(b []byte) (int, error) {
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	n, err := c.text.Read(b)
	if errors.Is(err, io.EOF) && !c.ends {
		err = nil // as if the read were waiting
	}
	return n, err
}

func (c *fake) Write(b []byte) (int, error) {
	if c.written != nil {
		c.written()
	}
	return len(b), nil
}

func (c *fake) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return nil
}

func (c *fake) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func tcp(from string) *net.TCPAddr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(from), 1))
}

// come adds a connection from an address, one second after the previous one.
func (f *fixture) come(from string) (*Conn, *fake) {
	return f.say(from, "")
}

func (f *fixture) say(from, text string) (*Conn, *fake) {
	f.now = f.now.Add(time.Second)
	raw := &fake{from: tcp(from), text: strings.NewReader(text)}
	return f.admit(raw), raw
}

// answerNext answers a request on a connection and starts to wait for the next one.
func (f *fixture) answerNext(c *Conn) {
	f.t.Helper()
	f.answer(c)
	f.await(c, 1)
}

func (f *fixture) begin(c *Conn) {
	f.t.Helper()
	if !c.Begin() {
		f.t.Fatal("the connection has ended")
	}
}

// serve begins a request whose signature is verified.
func (f *fixture) serve(c *Conn) {
	f.t.Helper()
	f.begin(c)
	c.FinishVerification(true)
}

// answer begins a request whose signature is refused.
func (f *fixture) answer(c *Conn) {
	f.t.Helper()
	f.begin(c)
	c.Done()
}

// await reads into a buffer of n bytes.
func (f *fixture) await(c *Conn, n int) error {
	f.now = f.now.Add(time.Second)
	_, err := c.Read(make([]byte, n))
	return err
}

// open checks which connections are open, in order.
func open(t *testing.T, want string, all ...*fake) {
	t.Helper()
	var got strings.Builder
	for i, c := range all {
		if !c.isClosed() {
			got.WriteByte(byte('a' + i))
		}
	}
	if got.String() != want {
		t.Errorf("open are %q, want %q", got.String(), want)
	}
}
