package server

import "net/http"

// readyPath is the path at which load balancers ask whether the server should get requests. The request needs no
// signature and causes no event, and the answer tells a stranger nothing else. The path is the path of other servers
// (MicroProfile Health).
const readyPath = "/health/ready"

// asksReadiness reports whether a request asks whether the server is ready. Balancers send GET or HEAD.
func (r *request) asksReadiness() bool {
	return r.Target == readyPath && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// answerReadiness answers from memory. The reason of a server that is not ready is in its log and in the list of
// nodes.
func (h *Handler) answerReadiness(r *request) response {
	out := response{
		status: http.StatusOK, contentType: "text/plain; charset=utf-8", body: []byte("ready\n"), requestID: r.id,
	}
	if h.Service.Ready() != nil {
		out.status, out.body = http.StatusServiceUnavailable, []byte("not ready\n")
	}
	return out
}
