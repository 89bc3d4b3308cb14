package server

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/sigv4"
)

// forwardedFor returns the address of the client of a request that came from peer. Each trusted forwarder
// appends the address that it received the request from to X-Forwarded-For. Therefore the list is read
// backwards, as long as forwarders wrote its entries. Earlier entries may be forged and are ignored, and so is
// the field in requests from other addresses.
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

// forwardedAddr parses an address with or without a port.
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
