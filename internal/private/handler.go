package private

import (
	"net"
	"net/http"
	"net/http/pprof"
	"strings"

	"github.com/go-json-experiment/json"
)

const plainText = "text/plain; charset=utf-8"

// handler returns the pages of the listener.
func (c Config) handler() http.Handler {
	pages := http.NewServeMux()
	pages.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, plainText, []byte("live\n"))
	})
	pages.HandleFunc("GET /readyz", c.readiness)
	if c.Metrics != nil {
		pages.Handle("GET /metrics", c.Metrics)
	}
	if c.Pprof {
		pages.HandleFunc("GET /debug/pprof/", pprof.Index)
		pages.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		pages.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
		pages.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	}
	if c.AnyHost {
		return pages
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLocal(r) {
			answer(w, http.StatusForbidden, plainText,
				[]byte("the Host of the request is not a name of this machine's loopback interface\n"))
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// readiness answers 200 while the server should get requests, and 503 otherwise. ?verbose shows the checks, and
// ?format=json shows them for programs.
func (c Config) readiness(w http.ResponseWriter, r *http.Request) {
	report := c.Checks.Run(r.Context())
	status := http.StatusOK
	if !report.Ready() {
		status = http.StatusServiceUnavailable
	}
	query := r.URL.Query()
	switch {
	case query.Get("format") == "json" || strings.Contains(r.Header.Get("Accept"), "application/json"):
		body, err := json.Marshal(report.Answer())
		if err != nil {
			status, body = http.StatusInternalServerError, nil
		}
		answer(w, status, "application/json", append(body, '\n'))
	case query.Has("verbose"):
		answer(w, status, plainText, []byte(report.Text()))
	default:
		answer(w, status, plainText, []byte(report.State()+"\n"))
	}
}

func answer(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(body)
}

// isLocal reports whether a request came over a Unix socket, or names the loopback interface as its host. A page in a
// browser of this machine can send requests to the listener under a name of its own, and then its Host is this name.
func isLocal(r *http.Request) bool {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && a.Network() == "unix" {
		return true
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
