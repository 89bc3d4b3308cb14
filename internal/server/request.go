package server

import (
	"net"
	"net/netip"
	"strings"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/sigv4"
)

// maxBody is the maximum size of a body in bytes, and maxFields the maximum number of fields in a header.
const (
	maxBody   = 128 << 10
	maxFields = 100
)

// A request is a request as the handler sees it. The connection owns the body, which is valid until the request
// is answered.
type request struct {
	sigv4.Request
	id       string // of the response and the audit event
	body     []byte
	conn     *conns.Conn // nil if there is no network connection
	sourceIP string      // IP address of the client
	secure   bool        // received over TLS

	revision int64         // revision of the store before the signature was verified
	turn     *service.Turn // turn of a large request

	operation, code int  // for the Requests of the Handler; zero until they are known
	span            Span // nil without a Trace
}

// finishVerification reports to the connection whether the signature of the request was verified.
func (r *request) finishVerification(verified bool) {
	if r.conn != nil {
		r.conn.FinishVerification(verified)
	}
}

// source returns the address of the client, which forwarders may report.
func (h *Handler) source(r *request) string {
	if r.conn == nil {
		return "0.0.0.0"
	}
	peer := r.conn.Source()
	if client := forwardedFor(r.Header, peer.Addr, h.Forwarders); client != peer.Addr {
		return client.String()
	}
	return peer.Text
}

// localAddr returns the address at which the request arrived.
func (r *request) localAddr() netip.Addr {
	if r.conn == nil {
		return netip.Addr{}
	}
	if tcp, ok := r.conn.LocalAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}

// originForm returns the target of a request without scheme and host, which a client includes if it treats the
// server as a proxy. This host then replaces the host in the header (RFC 9112, section 3.2.2).
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

func (r *request) checkSize() error {
	if len(r.body) > maxBody {
		return key.Errorf(key.KindSerialization, "The body of the request is larger than %d bytes.", maxBody)
	}
	return nil
}
