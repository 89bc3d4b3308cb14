package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/key"
)

// maxHeader is the size of the largest header, in bytes. What is larger than maxBody
// and not than maxRead is read, so that whoever sent it is told; of what is larger still,
// the connection is closed.
const (
	maxHeader = 16 << 10
	maxRead   = maxBody + 32<<10
)

// A connection that waits for its next request keeps the buffers of bodies up to this
// size, in bytes.
const maxKept = 16 << 10

// writeTime is how long an answer may take to be taken.
const writeTime = 20 * time.Second

// A Server serves a Handler over HTTP/1.1.
type Server struct {
	http    fasthttp.Server
	handler *Handler
	conns   *conns.Table

	mu        sync.Mutex
	ended     bool
	listeners []net.Listener
}

// New returns a Server, with the limits that keep slow and large requests from taking
// more than their share.
func New(h *Handler, c conns.Config) *Server {
	fasthttp.SetBodySizePoolLimit(maxKept, maxKept) // for all, as there is no other way
	c.Log = h.Log
	s := &Server{handler: h, conns: conns.New(c)}
	s.http = fasthttp.Server{
		Handler:                      s.serve,
		ErrorHandler:                 unreadable,
		ExpectHandler:                expected,
		ReadTimeout:                  10 * time.Second, // the header and the body
		WriteTimeout:                 writeTime,
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
	}
	return s
}

// serve answers a request, unless its connection has been closed.
func (s *Server) serve(c *fasthttp.RequestCtx) {
	conn := conns.Of(c.Conn())
	if !conn.Begin() {
		c.SetConnectionClose()
		return
	}
	defer conn.Done()
	s.handler.Serve(c)
}

// Serve answers what comes to a listener until Shutdown or Close, which may have been
// already.
func (s *Server) Serve(l net.Listener) error {
	l = s.conns.Listener(l)
	s.mu.Lock()
	s.listeners = append(s.listeners, l)
	if s.ended {
		l.Close()
	}
	s.mu.Unlock()
	return s.http.Serve(l)
}

// end takes no more connections: fasthttp knows no listener that it does not serve yet.
func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for _, l := range s.listeners {
		l.Close()
	}
}

// Shutdown takes no more connections and waits for the requests under way, or until
// ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.end()
	return s.http.ShutdownWithContext(ctx)
}

// Close takes no more connections and closes those that there are.
func (s *Server) Close() error {
	s.end()
	s.conns.Close()
	return nil
}

// connectionLog is where fasthttp tells of connections. What it tells may quote
// requests: the log has only of which kind it is.
type connectionLog struct{ to *slog.Logger }

func (l connectionLog) Printf(format string, _ ...any) { l.to.Debug("a connection", "message", format) }

// prompt gives an answer its time, where fasthttp leaves it what the last of the
// connection had, which may be over.
func prompt(c *fasthttp.RequestCtx) { c.Conn().SetWriteDeadline(time.Now().Add(writeTime)) }

// expected has a client go on that waits before it sends the body.
func expected(c *fasthttp.RequestCtx) int {
	prompt(c)
	return fasthttp.StatusContinue
}

// unreadable answers what is not HTTP, or too much of it, or too slow, and is no
// request yet.
func unreadable(c *fasthttp.RequestCtx, err error) {
	prompt(c)
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
	if errors.Is(err, conns.ErrBusy) {
		status = fasthttp.StatusServiceUnavailable
	}
	c.Error(fasthttp.StatusMessage(status), status)
}

// recovered answers for a request whose operation panicked, which others shall not
// suffer from.
func (h *Handler) recovered(c *fasthttp.RequestCtx, id string) {
	if p := recover(); p != nil {
		h.Log.Error("panic", "request", id, "panic", p, "stack", string(debug.Stack()))
		c.Response.Reset()
		writeError(c, id, key.Errorf(kindInternal, "The request was rejected because of an internal error."))
	}
}
