package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/health"
	"github.com/keyhold/keyhold/internal/metrics"
	"github.com/keyhold/keyhold/internal/private"
)

// privateOptions are the flags of keyhold serve for the private listener.
type privateOptions struct {
	addr       string
	anyAddress bool
	pprof      bool
}

func (o *privateOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.addr, "private-addr", "",
		"address for /livez, /readyz and /metrics, as 127.0.0.1:4600 or unix:PATH (default: none)")
	c.Flags().BoolVar(&o.anyAddress, "private-any-address", false,
		"allow a --private-addr that other machines can reach; everybody who can reach the address can read the metrics")
	c.Flags().BoolVar(&o.pprof, "private-pprof", false, "serve profiles of the program at /debug/pprof/ on --private-addr")
}

// check rejects invalid flags before anything is opened.
func (o privateOptions) check() error {
	if o.addr == "" {
		if o.anyAddress || o.pprof {
			return usageError{errors.New(
				"--private-any-address and --private-pprof belong to --private-addr: give --private-addr")}
		}
		return nil
	}
	err := private.Check(o.addr)
	switch {
	case errors.Is(err, private.ErrPublic) && o.pprof:
		return usageError{fmt.Errorf("--private-addr %s: profiles are served on the loopback interface and on Unix "+
			"sockets only: listen on 127.0.0.1, or leave --private-pprof out", o.addr)}
	case errors.Is(err, private.ErrPublic) && !o.anyAddress:
		return usageError{fmt.Errorf("--private-addr %s is not on the loopback interface, and requests to it are not "+
			"signed: listen on 127.0.0.1, or give --private-any-address if only your monitoring can reach the address", o.addr)}
	case err != nil && !errors.Is(err, private.ErrPublic):
		return usageError{fmt.Errorf("--private-addr: %w", err)}
	}
	return nil
}

// listen returns the private listener, or nil without one.
func (o privateOptions) listen() (net.Listener, error) {
	if o.addr == "" {
		return nil, nil
	}
	l, err := private.Listen(o.addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (choose another address with --private-addr)", o.addr, err)
	}
	return l, nil
}

// serve answers at the private listener until ctx ends. Without a listener it does nothing.
func (o privateOptions) serve(
	ctx context.Context, l net.Listener, checks *health.Checker, readers map[string]metrics.Reader, log *slog.Logger,
) error {
	if l == nil {
		return nil
	}
	registry, err := metrics.New(readers)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s := private.New(private.Config{
		Checks: checks, Metrics: registry.Handler(log), Pprof: o.pprof, Log: log, AnyHost: o.anyAddress,
	})
	go func() {
		if err := s.Serve(l); err != nil {
			log.Error("the private listener stopped, so nobody sees the metrics of the server", "cause", err)
		}
	}()
	context.AfterFunc(ctx, func() { s.Close() })
	return nil
}
