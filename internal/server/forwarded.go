package server

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/sigv4"
)

// forwardedFor returns the address of the client of a request that came from peer. Each
// trusted forwarder appends to X-Forwarded-For where it had the request from, so the list
// is read from its end for as long as it was written by forwarders. What stands before
// that may be forged and is ignored, as is the field in requests from anybody else.
func forwardedFor(h sigv4.Header, peer netip.Addr, forwarders []netip.Prefix) netip.Addr {
	for i := range slices.Backward(h) {
		if h[i].Name != "x-forwarded-for" {
			continue
		}
		for rest, more := h[i].Value, true; more; {
			if !conns.Contain(forwarders, peer) {
				return peer
			}
			entry := rest
			if comma := strings.LastIndexByte(rest, ','); comma >= 0 {
				rest, entry = rest[:comma], rest[comma+1:]
			} else {
				more = false
			}
			before, ok := forwardedAddr(strings.TrimSpace(entry))
			if !ok {
				return peer
			}
			peer = before
		}
	}
	return peer
}

// forwardedAddr reads an address, with or without a port.
func forwardedAddr(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	if err != nil {
		with, failed := netip.ParseAddrPort(text)
		if failed != nil {
			return netip.Addr{}, false
		}
		a = with.Addr()
	}
	return a.Unmap().WithZone(""), true
}
