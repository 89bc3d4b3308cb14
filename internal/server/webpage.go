package server

import (
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/keyhold/keyhold/internal/sigv4"
)

// fromPage reports whether a web page sends a request: a browser adds Origin or Sec-Fetch
// fields, which a page cannot leave out (Fetch Standard; Fetch Metadata Request Headers).
func fromPage(h sigv4.Header) bool {
	for i := range h {
		if name := h[i].Name; name == "origin" || strings.HasPrefix(name, "sec-fetch-") {
			return true
		}
	}
	return false
}

// pageAdmitted reports whether a web page may use the server: the host that the page
// names and the host that it came from must be this machine or one of hosts. Otherwise a
// page of any host, whose owner lets its name point to this machine, could use the
// server. Clients that are not browsers may call the server by any name.
func pageAdmitted(h sigv4.Header, local netip.Addr, hosts []string) bool {
	for i := range h {
		if h[i].Name != "origin" {
			continue
		}
		if origin, err := url.Parse(h[i].Value); err != nil || !ours(origin.Hostname(), local, hosts) { // "null" has no host
			return false
		}
	}
	host, err := url.Parse("//" + h.Get("host"))
	return err == nil && ours(host.Hostname(), local, hosts)
}

// ours reports whether a host is this machine: a loopback name or address, the address
// that the request came to, or one of hosts.
func ours(host string, local netip.Addr, hosts []string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap().WithZone("")
		return a.IsLoopback() || a == local && !a.IsUnspecified() || slices.Contains(hosts, a.String())
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || slices.Contains(hosts, host)
}

// refusePage answers a web page that may not use the server. Once a minute the log names
// such a page and the remedy.
func (h *Handler) refusePage(c *fasthttp.RequestCtx, r *request) {
	if h.pages.due(time.Now()) {
		h.Log.Warn("a web page was refused: if it is to use this server, give its host and the server's with --allowed-hosts",
			"origin", shortened(r.Header.Get("origin")), "host", shortened(r.Header.Get("host")))
	}
	c.Error(fasthttp.StatusMessage(fasthttp.StatusForbidden), fasthttp.StatusForbidden)
	c.SetConnectionClose()
}

func shortened(text string) string { return text[:min(len(text), 100)] }

// localAddr returns the address that a request came to.
func localAddr(c *fasthttp.RequestCtx) netip.Addr {
	if tcp, ok := c.LocalAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap().WithZone("")
	}
	return netip.Addr{}
}
