package server

import "github.com/keyhold/keyhold/internal/console"

// asksConsole reports whether a request is for the console. All other requests are answered as without a console.
func (h *Handler) asksConsole(r *request) bool { return h.Console != nil && h.Console.Serves(r.Target) }

// answerConsole answers a request for a file of the console. The rule for web pages applies to every request, because
// browsers send neither Origin nor Sec-Fetch fields when they load a page over plain HTTP: a website whose name points
// to this machine must not become the console's origin.
func (h *Handler) answerConsole(r *request) response {
	if !pageAdmitted(r.Header, r.localAddr(), h.Hosts) {
		return h.refusePage(r)
	}
	out := h.Console.Answer(console.Request{
		Method: r.Method, Target: r.Target,
		IfNoneMatch: r.Header.Get("if-none-match"), AcceptEncoding: r.Header.Get("accept-encoding"),
	})
	return response{
		status: out.Status, contentType: out.ContentType, header: out.Header, body: out.Body, shared: true,
	}
}
