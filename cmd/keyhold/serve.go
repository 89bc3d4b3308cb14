package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/internal/service"
)

// serveOptions are the flags of keyhold serve.
type serveOptions struct {
	place
	addr, account     string
	regions           []string
	certFile, keyFile string
	network           networkOptions
	reserve           int // MiB
	limits            limits
}

func serveCommand() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve --data DIR [--store URL]",
		Short: "Run a server on a data folder that keyhold init made",
		Long: `Run a server on a data folder that keyhold init made. Clients see the same behaviour as
with keyhold dev, but the credentials are those that keyhold init showed, and nobody can
move the clock. Without a certificate the server listens on the loopback interface only.

The deployment remembers its Regions: --regions replaces them. When the server starts, it
warns of keys in Regions that it does not serve. SIGHUP changes nothing. A server whose
terminal is closed stops in order.

With --store etcd://…, the server is one of several nodes that share an etcd cluster
(docs/cluster.md). --data then names the folder of this node, which it makes: it has the
audit log of the node and its ID. Each node needs a folder of its own, and a copy of the
root key file.`,
		Example: `  keyhold serve --data /var/lib/keyhold --root-key-file /etc/keyhold/root.key \
    --addr :4599 --tls-cert server.pem --tls-key server.key --regions eu-west-2,eu-central-1`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return runServe(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.place.flags(c)
	c.Flags().StringVar(&o.addr, "addr", "127.0.0.1:4599", "address to listen on; port 0 takes a free one")
	c.Flags().StringVar(&o.account, "account", "", "refuse to start unless the deployment belongs to this account")
	c.Flags().StringSliceVar(&o.regions, "regions", nil,
		"Regions to serve, separated by commas (default: the Regions of keyhold init, or of the last start with this flag)")
	c.Flags().StringVar(&o.certFile, "tls-cert", "", "file of the certificate and its chain, PEM")
	c.Flags().StringVar(&o.keyFile, "tls-key", "", "file of the certificate's private key, PEM")
	networkFlags(c, &o.network)
	reserveFlag(c, &o.reserve)
	o.limits.flags(c)
	return c
}

// check rejects invalid flags before anything is opened.
func (o serveOptions) check() error {
	if err := checkRegions(o.regions); err != nil {
		return err
	}
	if err := o.limits.check(); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(o.addr)
	ip := net.ParseIP(host)
	switch {
	case err != nil:
		return usageError{fmt.Errorf("--addr: %w", err)}
	case (o.certFile == "") != (o.keyFile == ""):
		return usageError{errors.New("--tls-cert and --tls-key belong together: give both or none")}
	case o.certFile == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()):
		return usageError{fmt.Errorf(
			"--addr %s is not on the loopback interface, and without TLS anybody on the network path can read plaintexts: "+
				"give --tls-cert and --tls-key, or listen on 127.0.0.1", o.addr)}
	}
	return checkReserve(o.reserve)
}

func checkRegions(regions []string) error {
	for _, r := range regions {
		if !key.ValidRegion(r) {
			return usageError{fmt.Errorf("--regions: %q is not a Region: write it as us-east-1", r)}
		}
	}
	return nil
}

func runServe(ctx context.Context, o serveOptions, out, log io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	if !o.shared() && !host.HasDatabase(o.data) {
		return o.explain(records.ErrNotInitialised)
	}
	if err := harden(); err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(log, nil))
	ctx, fail := context.WithCancelCause(ctx)
	outliveHangups(ctx, fail, logger)
	lockMemory(logger)
	network, h, err := o.network.open(logger)
	if err != nil {
		return err
	}
	listener, err := o.listen(&network)
	if err != nil {
		return err
	}
	defer listener.Close()
	var s *service.Service
	d, err := o.open(ctx, logger, fail)
	defer func() { err = errors.Join(err, d.Close(s)) }()
	if err != nil {
		return o.explain(err)
	}
	if err := d.HoldReserve(o.data, int64(o.reserve)<<20, logger); err != nil {
		return err
	}
	c := d.Config()
	c.Log, c.WrappingKeysAhead = logger, wrappingKeysAhead
	c.Address, c.Version = listener.Addr().String(), programVersion()
	c.Rates, c.Quotas = overlay(service.DefaultRates(), o.limits.rates), overlay(service.DefaultQuotas(), o.limits.quotas)
	c.Computing = new(processors).computing
	if c, err = withFaults(c); err != nil {
		return err
	}
	if s, err = service.Open(ctx, c); err != nil {
		return o.explain(err)
	}
	account, err := s.Account(ctx)
	if err != nil {
		return err
	}
	if account == "" {
		return o.explainNoAccount()
	}
	if o.account != "" && o.account != account {
		return fmt.Errorf("the deployment in %s belongs to account %q, not %s", o.name(), account, o.account)
	}
	if o.regions, err = s.ServeRegions(ctx, o.regions); err != nil {
		return err
	}
	warnOfRegions(ctx, s, logger)
	if err := printServing(out, o, listener.Addr().String(), account, network.TLS); err != nil {
		return err
	}
	h.Service, h.Verifier = s, host.Verifier(s)
	watchCustody(ctx, d.Root, logger)
	return serve(ctx, server.New(h, network), listener)
}

// listen returns a listener. With a certificate, its connections use TLS.
func (o serveOptions) listen(network *conns.Config) (net.Listener, error) {
	if o.certFile != "" {
		cert, err := o.certificate()
		if err != nil {
			return nil, err
		}
		network.TLS = conns.TLS(cert)
	}
	l, err := net.Listen("tcp", o.addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (choose another address with --addr)", o.addr, err)
	}
	return l, nil
}

// maxPEM is more than the size of a certificate chain or a private key, in bytes.
const maxPEM = 1 << 20

// certificate reads the certificate and its private key.
func (o serveOptions) certificate() (cert tls.Certificate, err error) {
	chain, err := os.ReadFile(o.certFile)
	if err != nil {
		return cert, fmt.Errorf("--tls-cert: %w", err)
	}
	private, err := guarded.ReadSecret("the TLS key", o.keyFile, maxPEM)
	if err != nil {
		return cert, fmt.Errorf("--tls-key: %w", err)
	}
	defer clear(private)
	if cert, err = tls.X509KeyPair(chain, private); err != nil {
		return cert, fmt.Errorf("--tls-cert and --tls-key: %w", err)
	}
	return cert, nil
}

// warnOfRegions warns the operator of keys that nobody can use.
func warnOfRegions(ctx context.Context, s *service.Service, log *slog.Logger) {
	unserved, err := s.UnservedRegions(ctx)
	if err != nil {
		log.Error("could not look for keys in Regions that the server does not serve", "error", err)
	}
	if len(unserved) > 0 {
		log.Warn(
			"the store contains keys in Regions that the server does not serve: name all Regions with --regions",
			"regions", strings.Join(unserved, ","))
	}
}
