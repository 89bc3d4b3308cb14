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

// maxHeader is the maximum size of a header, in bytes. A body between maxBody and maxRead is read, so that the
// client gets an error message. For a larger body, the connection is closed.
const (
	maxHeader = 16 << 10
	maxRead   = maxBody + 32<<10
)

// maxKept is the maximum size in bytes of buffers for bodies that an idle connection keeps.
const maxKept = 16 << 10

// writeTime is how long a client may take to read an answer.
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

// New returns a Server with limits that keep slow and large requests from taking more than their share.
func New(h *Handler, c conns.Config) *Server {
	fasthttp.SetBodySizePoolLimit(maxKept, maxKept) // a setting of the whole process
	c.Log = h.Log
	s := &Server{handler: h, conns: conns.New(c)}
	s.http = fasthttp.Server{
		Handler:                      s.serve,
		ErrorHandler:                 refuseMalformed,
		ExpectHandler:                continueRequest,
		ReadTimeout:                  10 * time.Second, // for header and body together
		WriteTimeout:                 writeTime,
		IdleTimeout:                  60 * time.Second,
		ReadBufferSize:               maxHeader,
		MaxRequestBodySize:           maxRead,
		CloseOnShutdown:              true,
		LazyRequestTime:              true,
		NoDefaultServerHeader:        true,
		NoDefaultContentType:         true,
		DisablePreParseMultipartForm: true,
		SecureErrorLogMessage:        true, // logs must not contain parts of requests
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

// Serve answers requests on a listener until Shutdown or Close. If one of them was called before, Serve returns
// at once.
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

// closeListeners closes all listeners. fasthttp does not close a listener that it does not serve yet.
func (s *Server) closeListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for _, l := range s.listeners {
		l.Close()
	}
}

// Shutdown stops accepting connections and waits for running requests, at most until ctx ends.
func (s *Server) Shutdown(ctx context.Context) error {
	s.closeListeners()
	return s.http.ShutdownWithContext(ctx)
}

// Close stops accepting connections and closes all of them.
func (s *Server) Close() error {
	s.closeListeners()
	s.conns.Close()
	return nil
}

// connectionLog receives messages of fasthttp about connections. They may quote requests, so only their format
// is logged.
type connectionLog struct{ to *slog.Logger }

func (l connectionLog) Printf(format string, _ ...any) { l.to.Debug("a connection", "message", format) }

// extendWriteDeadline sets the deadline for writing an answer. fasthttp would keep the deadline of the previous
// answer on the connection, which may have passed.
func extendWriteDeadline(c *fasthttp.RequestCtx) {
	c.Conn().SetWriteDeadline(time.Now().Add(writeTime))
}

// continueRequest tells a client with "Expect: 100-continue" to send the body.
func continueRequest(c *fasthttp.RequestCtx) int {
	extendWriteDeadline(c)
	return fasthttp.StatusContinue
}

// refuseMalformed answers input that is not a valid HTTP request, or is too large or too slow.
func refuseMalformed(c *fasthttp.RequestCtx, err error) {
	extendWriteDeadline(c)
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

// recoverPanic answers a request whose operation panicked, so that other requests are not affected.
func (h *Handler) recoverPanic(c *fasthttp.RequestCtx, id string) {
	if p := recover(); p != nil {
		h.Log.Error("panic", "request", id, "panic", p, "stack", string(debug.Stack()))
		c.Response.Reset()
		writeError(c, id, key.Errorf(kindInternal, "The request was rejected because of an internal error."))
	}
}
