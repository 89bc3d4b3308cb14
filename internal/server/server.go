// Package server provides the KMS and STS protocols over HTTP for a service.
//
// It reads a request, has its signature verified, finds the operation, decodes the body, passes everything to
// the gate of package service, and writes the response or the error. It makes no decisions itself.
//
// Only http.go and server.go use the HTTP library. All other files see a request and a response as values.
package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/keyhold/keyhold/internal/conns"
)

// maxHeader is the maximum size of a header, in bytes. A body between maxBody and maxRead is read, so that the
// client gets an error message. For a larger body, the connection is closed.
const (
	maxHeader = 16 << 10
	maxRead   = maxBody + 32<<10
)

// maxKept is the maximum size in bytes of buffers for bodies that an idle connection keeps.
const maxKept = 16 << 10

// writeTime is how long a client may take to read a response.
const writeTime = 20 * time.Second

// A Server serves a Handler over HTTP/1.1.
type Server struct {
	http    fasthttp.Server
	handler *Handler
	answer  func(*request) response
	conns   *conns.Table

	mu        sync.Mutex
	ended     bool
	listeners []net.Listener
}

// New returns a Server with limits that keep slow and large requests from taking more than their share.
func New(h *Handler, c conns.Config) *Server {
	fasthttp.SetBodySizePoolLimit(maxKept, maxKept) // a setting of the whole process
	c.Log = h.Log
	s := &Server{handler: h, answer: h.answering(), conns: conns.New(c)}
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

// SetTLS gives later handshakes other settings. The Server must have been made with TLS.
func (s *Server) SetTLS(c *tls.Config) { s.conns.SetTLS(c) }

// Certificate returns the certificate of the server, or nil without TLS.
func (s *Server) Certificate() *x509.Certificate { return s.conns.Certificate() }

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

// Connections returns numbers about the connections of the Server.
func (s *Server) Connections() conns.Stats { return s.conns.Stats() }

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
