package server

import (
	"errors"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/sigv4"
)

// maxBody is the size of the largest body that is taken, in bytes, and maxFields how
// many fields a header may have.
const (
	maxBody   = 128 << 10
	maxFields = 100
)

// A request is one as the handler has it. The body is that of the connection, for as
// long as the request is being answered.
type request struct {
	sigv4.Request
	body   []byte
	conn   *conns.Conn // nil without a network
	from   string      // the IP address of the client
	secure bool        // it came over TLS

	revision int64         // of the store, before the signature was verified
	turn     *service.Turn // of a large request
}

// received returns the request that came; ok is false if its header is not one, or has
// the coding "identity", which for fasthttp is none and for others a body (RFC 9112,
// section 6.1, no longer has it).
func received(c *fasthttp.RequestCtx) (r *request, ok bool) {
	h := &c.Request.Header
	header, ok := sigv4.ParseHeader(h.RawHeaders(), maxFields)
	if coding, coded := header.First("transfer-encoding"); coded && !strings.EqualFold(coding, "chunked") {
		ok = false
	}
	return &request{
		Request: sigv4.Request{Method: string(h.Method()), Target: originForm(string(h.RequestURI()), header), Header: header},
		body:    c.Request.Body(),
		conn:    conns.Of(c.Conn()),
		secure:  c.IsTLS(),
	}, ok
}

// judged notes whether the signature of the request was verified.
func (r *request) judged(verified bool) {
	if r.conn != nil {
		r.conn.Judged(verified)
	}
}

// source returns the address of the client, which forwarders may report.
func (h *Handler) source(c *fasthttp.RequestCtx, r *request) string {
	if r.conn == nil {
		return c.RemoteIP().String()
	}
	peer := r.conn.Source()
	if client := forwardedFor(r.Header, peer.Addr, h.Forwarders); client != peer.Addr {
		return client.String()
	}
	return peer.Text
}

// originForm returns the target of a request without the scheme and the host that it
// has when the client takes the server for a proxy. The host then stands in for that of
// the header (RFC 9112, section 3.2.2).
func originForm(target string, h sigv4.Header) string {
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

// errHeader is of a header that is folded, has too many fields, or a coding that is none.
var errHeader = errors.New("server: the header is not taken")

func (r *request) tooLarge() error {
	if len(r.body) > maxBody {
		return key.Errorf(key.KindSerialization, "The body of the request is larger than %d bytes.", maxBody)
	}
	return nil
}
