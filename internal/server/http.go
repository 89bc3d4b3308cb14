package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// maxBody is the size of the largest body that is taken, in bytes.
const maxBody = 128 << 10

// What is larger than maxBody and not than this is read, so that whoever sent it is
// told; of what is larger still, the connection is closed.
const maxRead = 2 * maxBody

// maxHeader is the size of the largest header, in bytes, and maxFields how many fields
// it may have.
const (
	maxHeader = 16 << 10
	maxFields = 100
)

// A Server serves a Handler over HTTP/1.1.
type Server struct {
	http fasthttp.Server

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

// New returns a Server, with the limits that keep slow and large requests from taking
// more than their share.
func New(h *Handler) *Server {
	s := &Server{conns: map[net.Conn]struct{}{}}
	s.http = fasthttp.Server{
		Handler:                      h.Serve,
		ErrorHandler:                 unreadable,
		ReadTimeout:                  10 * time.Second, // the header and the body
		WriteTimeout:                 20 * time.Second,
		IdleTimeout:                  60 * time.Second,
		ReadBufferSize:               maxHeader,
		MaxRequestBodySize:           maxRead,
		CloseOnShutdown:              true,
		LazyRequestTime:              true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		DisablePreParseMultipartForm: true,
		SecureErrorLogMessage:        true, // what a request says is not for the log
		Logger:                       connectionLog{h.Log},
		ConnState:                    s.track,
	}
	return s
}

// Serve answers what comes to a listener until Shutdown or Close.
func (s *Server) Serve(l net.Listener) error { return s.http.Serve(l) }

// Shutdown takes no more connections and waits for the requests under way, or until
// ctx ends.
func (s *Server) Shutdown(ctx context.Context) error { return s.http.ShutdownWithContext(ctx) }

// Close takes no more connections and closes those that there are.
func (s *Server) Close() error {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	s.http.ShutdownWithContext(now) // to close the listeners
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		c.Close()
	}
	return nil
}

// track knows the connections, for Close.
func (s *Server) track(c net.Conn, state fasthttp.ConnState) {
	if state == fasthttp.StateActive || state == fasthttp.StateIdle {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == fasthttp.StateNew {
		s.conns[c] = struct{}{}
	} else {
		delete(s.conns, c)
	}
}

// connectionLog is where fasthttp tells of connections.
type connectionLog struct{ to *slog.Logger }

func (l connectionLog) Printf(format string, args ...any) { l.to.Debug(fmt.Sprintf(format, args...)) }

// A request is one as the handler has it. The body is that of the connection, for as
// long as the request is being answered.
type request struct {
	identity.Request
	body   []byte
	from   string // the IP address
	secure bool   // it came over TLS
}

// received returns the request that came; ok is false if its header is not one.
func received(c *fasthttp.RequestCtx) (r *request, ok bool) {
	h := &c.Request.Header
	header, ok := identity.ParseHeader(h.RawHeaders(), maxFields)
	return &request{
		Request: identity.Request{Method: string(h.Method()), Target: originForm(string(h.RequestURI()), header), Header: header},
		body:    c.Request.Body(),
		from:    c.RemoteIP().String(),
		secure:  c.IsTLS(),
	}, ok
}

// originForm returns the target of a request without the scheme and the host that it
// has when the client takes the server for a proxy. The host then stands in for that of
// the header (RFC 9112, section 3.2.2).
func originForm(target string, h identity.Header) string {
	_, rest, absolute := strings.Cut(target, "://")
	if !absolute || target[0] == '/' {
		return target
	}
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	for i := range h {
		if h[i].Name == "host" {
			h[i].Value = rest[:end]
		}
	}
	if path := rest[end:]; strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + rest[end:]
}

// errHeader is of a header that is folded, or has too many fields.
var errHeader = errors.New("server: the header is not taken")

func (r *request) tooLarge() error {
	if len(r.body) > maxBody {
		return key.Errorf(key.KindSerialization, "The body of the request is larger than %d bytes.", maxBody)
	}
	return nil
}

// unreadable answers what is not HTTP, or too much of it, or too slow, and is no
// request yet.
func unreadable(c *fasthttp.RequestCtx, err error) {
	status := fasthttp.StatusBadRequest
	if _, large := errors.AsType[*fasthttp.ErrSmallBuffer](err); large {
		status = fasthttp.StatusRequestHeaderFieldsTooLarge
	}
	if errors.Is(err, fasthttp.ErrBodyTooLarge) {
		status = fasthttp.StatusRequestEntityTooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		status = fasthttp.StatusRequestTimeout
	}
	c.Error(fasthttp.StatusMessage(status), status)
}

// recovered answers for a request whose operation panicked, which others shall not
// suffer from.
func (h *Handler) recovered(c *fasthttp.RequestCtx, id string) {
	if p := recover(); p != nil {
		h.Log.Error("panic", "request", id, "panic", p, "stack", string(debug.Stack()))
		writeError(c, id, key.Errorf(kindInternal, "The request was rejected because of an internal error."))
	}
}
