package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/kmstest"
)

// timeout is how long a test waits for a server, long enough for a busy machine.
const timeout = 3 * time.Minute

// sendRaw writes text to a server and reads the answers until the server closes the connection. The last
// request in text should ask for this.
func sendRaw(t *testing.T, address, text string) (answers []*http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(timeout))
	go io.WriteString(c, text) // the server may refuse to read all of it
	in := bufio.NewReader(c)
	for {
		a, err := http.ReadResponse(in, nil)
		if err != nil {
			if len(answers) == 0 || !closed(err) {
				t.Errorf("after %d answers: %v", len(answers), err)
			}
			return answers
		}
		body, _ := io.ReadAll(a.Body)
		a.Body = io.NopCloser(bytes.NewReader(body))
		answers = append(answers, a)
	}
}

// closed reports whether err means that the other side closed the connection, possibly before it had read
// everything.
func closed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// Input that is not HTTP, or ambiguous, is rejected before it becomes a request, and the connection is closed.
// Unusual but unambiguous input is a request, here without a signature.
func TestHTTP(t *testing.T) {
	s := kmstest.Start(t)
	address := strings.TrimPrefix(s.Endpoint, "http://")
	const unsigned = 400
	for _, c := range []struct {
		name, text string
		status     []int
		request    bool // it is a request: the last answer has a request ID
	}{
		{"a request", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", []int{unsigned}, true},
		{"another method", "DELETE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []int{unsigned}, true},
		{"HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", []int{unsigned}, true},
		{"two pipelined requests", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", []int{unsigned, unsigned}, true},
		{"chunks", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", []int{unsigned}, true},
		{"100-continue", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", []int{100, unsigned}, true},
		{"chunks with a length", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", []int{unsigned}, true},
		{"HTTP/1.0 with keep-alive", "POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}", []int{unsigned, unsigned}, true},
		{"a GET with a body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 38\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n  GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []int{unsigned, unsigned}, true},
		{"CONNECT", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\nConnection: close\r\n\r\n", []int{unsigned}, true},
		{"OPTIONS without a path", "OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", []int{unsigned}, true},
		{"an upgrade to h2c", "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n", []int{unsigned}, true},
		{"multipart/form-data", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 2\r\n\r\n{}", []int{unsigned}, true},
		{"Content-Encoding: gzip", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", []int{unsigned}, true},
		{"a trailer is not a field", "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Amz-Target: a\r\n\r\n", []int{unsigned}, true},
		{"lines without a return", "POST / HTTP/1.1\nHost: a\nConnection: close\nContent-Length: 2\r\n\r\n{}", []int{unsigned}, true},
		{"a web page of this machine", "OPTIONS / HTTP/1.1\r\nHost: localhost:4599\r\nOrigin: http://localhost\r\nConnection: close\r\n\r\n", []int{unsigned}, true},

		{"a web page of another host", "POST / HTTP/1.1\r\nHost: localhost:4599\r\nOrigin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}", []int{403}, false},
		{"a web page whose name points to this machine", "GET / HTTP/1.1\r\nHost: evil.example:4599\r\nSec-Fetch-Site: same-origin\r\n\r\n", []int{403}, false},
		{"a preflight", "OPTIONS / HTTP/1.1\r\nHost: localhost:4599\r\nOrigin: http://evil.example\r\nAccess-Control-Request-Headers: authorization\r\n\r\n", []int{403}, false},
		{"a web page with another host in the request line", "POST http://evil.example/ HTTP/1.1\r\nHost: localhost:4599\r\nOrigin: http://localhost\r\nContent-Length: 0\r\n\r\n", []int{403}, false},
		{"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", []int{400}, false},
		{"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400}, false},
		{"no version", "POST /\r\nHost: a\r\n\r\n", []int{400}, false},
		{"two lengths", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ", []int{400}, false},
		{"the same length twice", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", []int{400}, false},
		{"a length with a sign", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +2\r\n\r\n{}", []int{400}, false},
		{"a length below zero", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -2\r\n\r\n{}", []int{400}, false},
		{"a length in a list", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2, 2\r\n\r\n{}", []int{400}, false},
		{"a length that overflows", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n{}", []int{400}, false},
		{"an unknown transfer coding", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", []int{400}, false},
		{"two transfer codings", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", []int{400}, false},
		{"the transfer coding identity", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", []int{400}, false},
		{"a transfer coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", []int{400}, false},
		{"a Content-Length trailer", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 3\r\n\r\n", []int{400}, false},
		{"an Authorization trailer", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nAuthorization: a\r\n\r\n", []int{400}, false},
		{"a chunk that ends in a line without a return", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n", []int{400}, false},
		{"a chunk longer than its size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n", []int{400}, false},
		{"a chunk without a size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n{}\r\n0\r\n\r\n", []int{400}, false},
		{"two hosts", "POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\nContent-Length: 0\r\n\r\n", []int{400}, false},
		{"a folded line", "POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: Trent\r\n Service\r\nContent-Length: 0\r\n\r\n", []int{400}, false},
		{"a space before the colon", "POST / HTTP/1.1\r\nHost : a\r\nContent-Length: 0\r\n\r\n", []int{400}, false},
		{"a space in a name", "POST / HTTP/1.1\r\nHost: a\r\nContent Length: 0\r\n\r\n", []int{400}, false},
		{"a line without a colon", "POST / HTTP/1.1\r\nHost\r\nContent-Length: 0\r\n\r\n", []int{400}, false},
		{"no name", "POST / HTTP/1.1\r\nHost: a\r\n: b\r\nContent-Length: 0\r\n\r\n", []int{400}, false},
		{"a zero byte", "POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Note: a\x00b\r\nContent-Length: 0\r\n\r\n", []int{400}, false},
		{"a return within a line", "POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Note: a\rb\r\nContent-Length: 0\r\n\r\n", []int{400}, false},
		{"101 fields", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" + strings.Repeat("X: 1\r\n", 99) + "\r\n", []int{400}, false},
		{"a large header", "POST / HTTP/1.1\r\nHost: a\r\nX-Large: " + strings.Repeat("x", 16<<10) + "\r\n\r\n", []int{431}, false},
		{"a very large body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n{}", []int{413}, false},
		{"a very large chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n{}", []int{413}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			answers := sendRaw(t, address, c.text)
			var got []int
			for _, a := range answers {
				got = append(got, a.StatusCode)
			}
			if len(got) != len(c.status) {
				t.Fatalf("answers %d, want %d", got, c.status)
			}
			for i := range got {
				if got[i] != c.status[i] {
					t.Errorf("answers %d, want %d", got, c.status)
				}
			}
			last := answers[len(answers)-1]
			if body, _ := io.ReadAll(last.Body); (last.Header.Get("X-Amzn-Requestid") != "") != c.request || c.request && !strings.Contains(string(body), "MissingAuthenticationToken") {
				t.Errorf("%v %s", last.Header, body)
			}
			if last.Header.Get("Date") == "" || last.Header.Get("Server") != "" {
				t.Errorf("%v", last.Header)
			}
		})
	}
	if a := rootRequest().send(t, s); a.status != 200 {
		t.Errorf("afterwards: %+v", a)
	}
}

// A client that treats the server as a proxy names the host in the request line, and signs this host.
func TestAbsoluteForm(t *testing.T) {
	s := kmstest.Start(t)
	address := strings.TrimPrefix(s.Endpoint, "http://")
	for target, want := range map[string]int{
		"http://" + address + "/":             200,
		"http://" + address:                   200,
		"http://kms.example.org/":             400,
		"http://" + address + "/x":            400,
		"http://" + address + "/?a=b":         400,
		"http://" + address + "?a=b":          400,
		"http://x@" + address + "/":           400,
		"/http://" + address + "/":            400,
		"kms://" + address + "/../" + address: 400,
	} {
		r := rootRequest().request(t, s)
		r.Header.Set("Connection", "close")
		var wire bytes.Buffer
		if err := r.Write(&wire); err != nil {
			t.Fatal(err)
		}
		if a := sendRaw(t, address, strings.Replace(wire.String(), " / ", " "+target+" ", 1)); len(a) != 1 || a[0].StatusCode != want {
			t.Errorf("%s: %d answers, the last %v, want %d", target, len(a), a[len(a)-1].Status, want)
		}
	}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// serveInBackground calls Serve in a goroutine and returns a channel for its result.
func serveInBackground(s *server.Server, l net.Listener) <-chan error {
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	return ended
}

// shutDown shuts a server down and checks that there was no error.
func shutDown(t *testing.T, s *server.Server, ended <-chan error) {
	t.Helper()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A panic in an operation becomes an internal error and does not affect other requests.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	s := server.New(&server.Handler{Log: slog.New(slog.NewTextHandler(&log, nil))}, conns.Config{}) // requests panic
	l := listen(t)
	ended := serveInBackground(s, l)
	for range 2 {
		a := sendRaw(t, l.Addr().String(), "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Amz-Date: 20260101T000000Z\r\n"+
			"Authorization: AWS4-HMAC-SHA256 Credential=A/20260101/eu-west-2/kms/aws4_request,SignedHeaders=host,Signature="+strings.Repeat("0", 64)+"\r\nContent-Length: 6\r\n\r\nsecret")
		body, _ := io.ReadAll(a[0].Body)
		if a[0].StatusCode != 500 || a[0].Header.Get("X-Amzn-Errortype") != "KMSInternalException" || a[0].Header.Get("X-Amzn-Requestid") == "" || strings.Contains(string(body), "nil") {
			t.Errorf("%v %s", a[0], body)
		}
	}
	shutDown(t, s, ended)
	if text := log.String(); strings.Count(text, "level=ERROR msg=panic") != 2 || strings.Contains(text, "secret") {
		t.Error(text)
	}
}

// An idle connection does not delay Shutdown beyond its context.
func TestClose(t *testing.T) {
	s := server.New(&server.Handler{Log: slog.New(slog.DiscardHandler)}, conns.Config{})
	l := listen(t)
	ended := serveInBackground(s, l)
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "POST / HTTP/1.1\r\n")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(over); !errors.Is(err, context.Canceled) {
		t.Errorf("while a request is under way: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	c.SetDeadline(time.Now().Add(timeout))
	if _, err := c.Read(make([]byte, 1)); err == nil || !closed(err) {
		t.Errorf("the connection is open: %v", err)
	}
	if _, err := net.Dial("tcp", l.Addr().String()); err == nil {
		t.Error("the listener is open")
	}
}

// A failingListener fails temporarily, and then returns connections.
type failingListener struct {
	net.Listener
	errs []error
}

func (l *failingListener) Accept() (net.Conn, error) {
	if len(l.errs) > 0 {
		err := l.errs[0]
		l.errs = l.errs[1:]
		return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
	}
	return l.Listener.Accept()
}

// Clients that open connections until the process has no file descriptors left do not stop the server.
func TestOutOfDescriptors(t *testing.T) {
	s := server.New(&server.Handler{Log: slog.New(slog.DiscardHandler)}, conns.Config{})
	l := listen(t)
	ended := serveInBackground(s, &failingListener{l, []error{syscall.EMFILE, syscall.ENFILE}})
	if a := sendRaw(t, l.Addr().String(), "no HTTP\r\n\r\n"); len(a) != 1 || a[0].StatusCode != 400 {
		t.Errorf("%v", a)
	}
	shutDown(t, s, ended)
}

// A server that was closed before Serve accepts no connections.
func TestServeAfterClose(t *testing.T) {
	for name, end := range map[string]func(*server.Server) error{
		"Close":    (*server.Server).Close,
		"Shutdown": func(s *server.Server) error { return s.Shutdown(t.Context()) },
	} {
		s := server.New(&server.Handler{Log: slog.New(slog.DiscardHandler)}, conns.Config{})
		l := listen(t)
		if err := end(s); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		ended := serveInBackground(s, l)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(timeout):
			t.Errorf("%s: it serves", name)
		}
		if l.Close() == nil {
			t.Errorf("%s: the listener is open", name)
		}
	}
}

// A lateListener returns its connections when it is closed.
type lateListener struct {
	net.Listener
	conns chan net.Conn
	ended chan struct{} // closed when the listener is closed
}

func (l lateListener) Accept() (net.Conn, error) {
	<-l.ended
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l lateListener) Close() error { return nil }

// A connection that is accepted during Close is closed too.
func TestCloseDuringAccept(t *testing.T) {
	s := server.New(&server.Handler{Log: slog.New(slog.DiscardHandler)}, conns.Config{})
	here, there := net.Pipe()
	l := lateListener{conns: make(chan net.Conn, 1), ended: make(chan struct{})}
	l.conns <- there
	close(l.conns)
	served := serveInBackground(s, l)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	close(l.ended)
	if err := <-served; err != nil {
		t.Error(err)
	}
	here.SetDeadline(time.Now().Add(timeout))
	if _, err := here.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the connection is open: %v", err)
	}
}

// Idle connections do not keep the memory of earlier large bodies.
func TestIdleConnections(t *testing.T) {
	s := kmstest.Start(t)
	const conns, size = 100, 150 << 10
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
	for range conns {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.Endpoint, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(timeout))
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Read(make([]byte, 1<<10)); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / conns; kept > 48<<10 {
		t.Errorf("%d bytes for each", kept)
	}
}

// A deadlineListener reports every write whose deadline is too near or missing.
type deadlineListener struct {
	net.Listener
	wrong func(text []byte, left time.Duration)
}

func (l deadlineListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return &deadlineConn{Conn: c, wrong: l.wrong}, err
}

type deadlineConn struct {
	net.Conn
	wrong func(text []byte, left time.Duration)
	until time.Time
}

func (c *deadlineConn) SetWriteDeadline(t time.Time) error {
	c.until = t
	return c.Conn.SetWriteDeadline(t)
}

func (c *deadlineConn) Write(b []byte) (int, error) {
	if left := time.Until(c.until); left < 10*time.Second || left > time.Minute {
		c.wrong(b, left)
	}
	c.until = time.Time{} // as if the next request came much later
	return c.Conn.Write(b)
}

// Every write has a new deadline, whenever the previous answer was written, also if no operation answers.
func TestTimeToWrite(t *testing.T) {
	s := server.New(&server.Handler{Log: slog.New(slog.DiscardHandler)}, conns.Config{})
	l := listen(t)
	ended := serveInBackground(s, deadlineListener{l, func(text []byte, left time.Duration) { t.Errorf("%s left for %q", left, text) }})
	const request = "DELETE / HTTP/1.1\r\nHost: a\r\n"
	for _, text := range []string{
		request + "Connection: close\r\n\r\n",
		request + "Connection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
		request + "\r\nno HTTP\r\n\r\n",
		"no HTTP\r\n\r\n",
	} {
		sendRaw(t, l.Addr().String(), text)
	}
	shutDown(t, s, ended)
}

// A localListener returns connections that arrive at another address of the machine.
type localListener struct {
	net.Listener
	local net.Addr
}

func (l localListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return localConn{c, l.local}, err
}

type localConn struct {
	net.Conn
	local net.Addr
}

func (c localConn) LocalAddr() net.Addr { return c.local }

// A web page may use the server by the address at which its request arrives, and by no other address.
func TestWebPageOfLocalAddress(t *testing.T) {
	s := server.New(&server.Handler{Log: slog.New(slog.DiscardHandler)}, conns.Config{}) // requests panic
	l := listen(t)
	ended := serveInBackground(s, localListener{l, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 10), Port: 4599}})
	for host, want := range map[string]int{"192.0.2.10": 500, "192.0.2.11": 403} {
		text := "POST / HTTP/1.1\r\nHost: " + host + "\r\nOrigin: http://" + host + "\r\nConnection: close\r\n\r\n"
		if a := sendRaw(t, l.Addr().String(), text); len(a) != 1 || a[0].StatusCode != want {
			t.Errorf("%s: %v, want %d", host, a, want)
		}
	}
	shutDown(t, s, ended)
}
