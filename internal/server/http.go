package server

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/sigv4"
)

// serve answers the request in c, unless its connection has been closed.
func (s *Server) serve(c *fasthttp.RequestCtx) {
	conn := conns.Of(c.Conn())
	if !conn.Begin() {
		c.SetConnectionClose()
		return
	}
	defer conn.Done()
	s.exchange(c)
}

// exchange passes the request in c to the handler, and the response of the handler to c. Every response carries a
// Date header. Responses to well-formed requests also carry a request ID.
func (s *Server) exchange(c *fasthttp.RequestCtx) {
	id := uuid.NewString()
	defer s.recoverPanic(c, id)
	r, ok := readRequest(c, id)
	if !ok {
		send(c, plainResponse(http.StatusBadRequest))
		return
	}
	send(c, s.answer(r))
}

// readRequest returns the request in c. ok is false if the header is invalid or uses the transfer coding
// "identity": fasthttp ignores this coding, but other software expects a body (it was removed in RFC 9112,
// section 6.1).
func readRequest(c *fasthttp.RequestCtx, id string) (r *request, ok bool) {
	h := &c.Request.Header
	header, ok := sigv4.ParseHeader(h.RawHeaders(), maxFields)
	if coding, coded := header.First("transfer-encoding"); coded && !strings.EqualFold(coding, "chunked") {
		ok = false
	}
	return &request{
		Request: sigv4.Request{
			Method: string(h.Method()), Target: originForm(string(h.RequestURI()), header), Header: header,
		},
		id:     id,
		body:   c.Request.Body(),
		conn:   conns.Of(c.Conn()),
		secure: c.IsTLS(),
	}, ok
}

// send copies a response to c and clears its body.
func send(c *fasthttp.RequestCtx, r response) {
	c.SetStatusCode(r.status)
	header := &c.Response.Header
	header.SetContentType(r.contentType)
	if r.errorType != "" {
		header.SetCanonical([]byte("X-Amzn-Errortype"), []byte(r.errorType))
	}
	if r.requestID != "" {
		header.SetCanonical([]byte("X-Amzn-Requestid"), []byte(r.requestID))
		header.SetCanonical([]byte("Cache-Control"), []byte("no-store"))
	}
	for _, field := range r.header {
		header.SetCanonical([]byte(field[0]), []byte(field[1]))
	}
	if r.closes {
		c.SetConnectionClose()
	}
	if r.stream != nil {
		c.Response.SetBodyStream(slowly{r.stream, c.Conn()}, -1)
		return
	}
	if r.shared {
		c.Response.SetBodyRaw(r.body)
		return
	}
	c.Response.AppendBody(r.body)
	clear(r.body)
}

// slowly is a body that may take long, as long as the client reads it.
type slowly struct {
	io.ReadCloser
	conn net.Conn
}

func (s slowly) Read(b []byte) (int, error) {
	n, err := s.ReadCloser.Read(b)
	s.conn.SetWriteDeadline(time.Now().Add(writeTime))
	return n, err
}

// recoverPanic answers a request whose operation panicked, so that other requests are not affected.
func (s *Server) recoverPanic(c *fasthttp.RequestCtx, id string) {
	if p := recover(); p != nil {
		h := s.handler
		h.panics.log(h.Log, slog.LevelError, "panic", "", "request", id, "panic", p, "stack", string(debug.Stack()))
		c.Response.Reset()
		send(c, errorResponse(id, key.Errorf(kindInternal, service.MessageMayBeMade)))
	}
}

// continueRequest tells a client with "Expect: 100-continue" to send the body.
func continueRequest(c *fasthttp.RequestCtx) int {
	extendWriteDeadline(c)
	return http.StatusContinue
}

// refuseMalformed answers input that is not a valid HTTP request, or is too large or too slow.
func refuseMalformed(c *fasthttp.RequestCtx, err error) {
	extendWriteDeadline(c)
	c.Response.Reset()
	send(c, plainResponse(malformedStatus(err)))
}

// malformedStatus returns the HTTP status for input that fasthttp cannot read.
func malformedStatus(err error) int {
	_, large := errors.AsType[*fasthttp.ErrSmallBuffer](err)
	switch {
	case errors.Is(err, conns.ErrBusy):
		return http.StatusServiceUnavailable
	case errors.Is(err, os.ErrDeadlineExceeded):
		return http.StatusRequestTimeout
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		return http.StatusRequestEntityTooLarge
	case large:
		return http.StatusRequestHeaderFieldsTooLarge
	}
	return http.StatusBadRequest
}

// extendWriteDeadline sets the deadline for writing a response. fasthttp would keep the deadline of the previous
// response on the connection, which may have passed.
func extendWriteDeadline(c *fasthttp.RequestCtx) {
	c.Conn().SetWriteDeadline(time.Now().Add(writeTime))
}
