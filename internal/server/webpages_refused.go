package server

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/sigv4"
)

// isFromPage reports whether a web page sent the request: browsers add Origin or Sec-Fetch fields, which a page
// cannot suppress (Fetch Standard; Fetch Metadata Request Headers).
func isFromPage(h sigv4.Header) bool {
	for i := range h {
		if name := h[i].Name; name == "origin" || strings.HasPrefix(name, "sec-fetch-") {
			return true
		}
	}
	return false
}

// pageAdmitted reports whether a web page may use the server: both the host in the request and the host that
// the page came from must be this machine or one of hosts. Otherwise any website could use the server by
// letting its name point to this machine. Clients that are not browsers may use any name.
func pageAdmitted(h sigv4.Header, local netip.Addr, hosts []string) bool {
	for i := range h {
		if h[i].Name != "origin" {
			continue
		}
		// The origin "null" has no host.
		if origin, err := url.Parse(h[i].Value); err != nil || !isThisMachine(origin.Hostname(), local, hosts) {
			return false
		}
	}
	host, err := url.Parse("//" + h.Get("host"))
	return err == nil && isThisMachine(host.Hostname(), local, hosts)
}

// isThisMachine reports whether a host is this machine (a loopback name or address, or the address at which the request
// arrived) or one of hosts.
func isThisMachine(host string, local netip.Addr, hosts []string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap().WithZone("")
		return a.IsLoopback() || a == local && !a.IsUnspecified() || slices.Contains(hosts, a.String())
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(hosts, host)
}

// refusePage answers a web page that may not use the server. It logs such a page and the remedy at most once
// per minute.
func (h *Handler) refusePage(r *request) response {
	if h.pages.due(time.Now()) {
		h.Log.Warn("a web page was refused: to let it use this server, add the page's host and the server's to "+
			"--allowed-hosts",
			"origin", shortened(r.Header.Get("origin")), "host", shortened(r.Header.Get("host")))
	}
	return plainResponse(http.StatusForbidden)
}

func shortened(text string) string { return text[:min(len(text), 100)] }
