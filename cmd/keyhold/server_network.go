package main

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/server"
)

// reserve is the number of file descriptors for the store, the audit log, other files, and connections
// to OIDC providers.
const reserve = 96

// networkOptions are the flags of keyhold serve and keyhold dev for connections.
type networkOptions struct {
	maxConnections int
	proxies        []string
	forwarders     []string
	allowedHosts   []string
}

func networkFlags(c *cobra.Command, o *networkOptions) {
	c.Flags().IntVar(&o.maxConnections, "max-connections", 0,
		"maximum number of connections (default: as many as the file descriptors allow, at most 4096)")
	c.Flags().StringSliceVar(&o.proxies, "proxy-protocol-from", nil,
		"load balancers whose connections begin with a PROXY header, as addresses or CIDR blocks")
	c.Flags().StringSliceVar(&o.forwarders, "forwarded-from", nil,
		"proxies whose X-Forwarded-For is trusted, as addresses or CIDR blocks")
	c.Flags().StringSliceVar(&o.allowedHosts, "allowed-hosts", nil,
		"hosts whose web pages may use the server, and names of the server in their requests, besides the loopback "+
			"interface")
}

// open returns the configuration of connections, and a handler with the trusted proxies and hosts of
// the flags.
func (o networkOptions) open(log *slog.Logger) (c conns.Config, h *server.Handler, err error) {
	n, err := descriptors()
	if err != nil {
		return c, nil, err
	}
	if c.Max, err = o.limit(n); err != nil {
		return c, nil, err
	}
	if c.Proxies, err = prefixes("--proxy-protocol-from", o.proxies); err != nil {
		return c, nil, err
	}
	if c.Shared, err = prefixes("--forwarded-from", o.forwarders); err != nil {
		return c, nil, err
	}
	h = &server.Handler{Log: log, Forwarders: c.Shared}
	h.Hosts, err = hosts(o.allowedHosts)
	return c, h, err
}

// limit returns the number of connections that this number of file descriptors allows.
func (o networkOptions) limit(descriptors int) (int, error) {
	most := descriptors - reserve
	switch {
	case most < 16:
		return 0, fmt.Errorf(
			"%d file descriptors are too few for a server: allow at least %d with ulimit -n or LimitNOFILE",
			descriptors, reserve+16)
	case o.maxConnections < 0:
		return 0, usageError{fmt.Errorf("--max-connections %d: give a number above 0", o.maxConnections)}
	case o.maxConnections > most:
		return 0, usageError{fmt.Errorf(
			"--max-connections %d: %d file descriptors allow only %d connections; raise the limit with ulimit -n or "+
				"LimitNOFILE", o.maxConnections, descriptors, most)}
	case o.maxConnections > 0:
		return o.maxConnections, nil
	}
	return min(most, conns.DefaultMax), nil
}

// hosts returns the names in the form in which the server compares them.
func hosts(names []string) (list []string, err error) {
	for _, name := range names {
		if name == "" || strings.ContainsAny(name, "/@[]*? ") || strings.Count(name, ":") == 1 {
			return nil, usageError{fmt.Errorf(
				"--allowed-hosts: %q is not a host name: write it without scheme and port, as kms.example.org", name)}
		}
		list = append(list, strings.ToLower(strings.TrimSuffix(name, ".")))
	}
	return list, nil
}

// prefixes parses addresses and CIDR blocks.
func prefixes(flag string, texts []string) (list []netip.Prefix, err error) {
	for _, text := range texts {
		p, err := netip.ParsePrefix(text)
		if a, failed := netip.ParseAddr(text); failed == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil || p != p.Masked() {
			return nil, usageError{fmt.Errorf(
				"%s: %q is not an address or a CIDR block: write it as 192.0.2.7 or 10.0.0.0/8", flag, text)}
		}
		list = append(list, p)
	}
	return list, nil
}
