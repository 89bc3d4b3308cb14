package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/console"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/internal/service"
)

// These are the defaults of every dev server.
const (
	devAccount   = identity.DevAccount
	devAccessKey = identity.DevAccessKeyID
	devSecret    = identity.DevSecret
	devRegion    = identity.DevRegion
)

// devOptions are the flags of keyhold dev.
type devOptions struct {
	place
	addr    string
	account string
	seed    string
	profile string

	anyCredentials bool
	auditSync      auditSync
	network        networkOptions
	console        consoleOptions
	tls            devTLS
	expiry         expiryOptions
}

func devCommand() *cobra.Command {
	var o devOptions
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run a server for a laptop or a CI job, with known credentials and a movable clock",
		Long: `Run a server for a laptop or a CI job. It verifies signatures like any other server.
Its one access key is test / test, the root of the account. Without --data, all data is
in memory and is lost when the server stops.

With --any-credentials it also admits unknown access keys, with and without session
tokens. Their requests are checked in every respect except the signature, which only the
secret can verify. An access key ID of 12 digits is the root of the account with this
number; any other is the root of the account of test / test.

With --tls it serves HTTPS. It makes its own authority and certificate, and prints the
file of the authority and, for each client, the variable that makes the client trust it.
With --data, authority and certificate stay the same when the server starts again.

With --store URL, the server is one of several nodes that share etcd or PostgreSQL
(docs/cluster.md). --data then names the folder of this node. All nodes need the root key
file of the first node, and move their clocks together.`,
		Example: `  keyhold dev
  keyhold dev --store etcd://127.0.0.1:2379/dev --data node1 --root-key-file dev.key
  keyhold dev --store etcd://127.0.0.1:2379/dev --data node2 --root-key-file dev.key --addr 127.0.0.1:4602`,
		Args:    exactly(0),
		PreRunE: func(*cobra.Command, []string) error { return o.complete() },
		RunE: func(c *cobra.Command, _ []string) error {
			return runDev(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&o.addr, "addr", "127.0.0.1:4599", "address to listen on; port 0 takes a free one")
	o.auditSync.flags(c)
	c.Flags().StringVar(&o.account, "account", devAccount, "account of the credentials, 12 digits")
	c.Flags().StringVar(&o.data, "data", "",
		"folder to keep the data in, sealed; with a shared store, the folder of this node (default: memory only)")
	c.Flags().StringVar(&o.store, "store", "", storeHelp+" (default: the folder of --data)")
	c.Flags().StringVar(&o.keyFile, "root-key-file", "",
		"root key file, which the first start makes (default: root.key in the data folder)")
	c.Flags().StringVar(&o.seed, "seed", "",
		"TOML file that declares keys to make if they do not exist (docs/seed-file.md)")
	c.Flags().BoolVar(&o.anyCredentials, "any-credentials", false,
		"admit unknown access keys without verifying their signatures; an access key ID of 12 digits names its account")
	networkFlags(c, &o.network)
	o.console.flags(c, true)
	devTLSFlags(c, &o.tls)
	o.expiry.flags(c)
	profileFlag(c, &o.profile)
	return c
}

// check rejects invalid flags before anything is opened.
func (o devOptions) check() error {
	if !key.ValidAccount(o.account) {
		return usageError{fmt.Errorf("--account %q is not an account ID: give 12 digits, such as 111122223333", o.account)}
	}
	_, err := o.tls.certificateNames(o.addr)
	return errors.Join(err, o.expiry.check(), o.console.check())
}

func runDev(ctx context.Context, o devOptions, out, log io.Writer) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	declared, err := o.readSeed()
	if err != nil {
		return err
	}
	if err := harden(); err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(log, nil))
	spans, err := openTracer(ctx, logger)
	if err != nil {
		return err
	}
	defer spans.Close()
	ctx, fail := context.WithCancelCause(ctx)
	outliveHangups(ctx, fail, func() {
		logger.Info("SIGHUP changes nothing: restart the server to change its flags, certificates and root key")
	})
	network, h, err := o.network.open(logger)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (choose another address with --addr)", o.addr, err)
	}
	defer listener.Close()
	var s *service.Service
	d, err := o.openDev(ctx, fail, logger)
	defer func() { err = errors.Join(err, d.Close(s)) }()
	if err != nil {
		return o.explain(err)
	}
	c := o.configure(d.Config(), listener.Addr().String(), logger)
	o.expiry.run(ctx)
	if s, err = service.Open(ctx, c); err != nil {
		return o.explain(err)
	}
	if err := o.fill(ctx, s, declared, logger); err != nil {
		return err
	}
	certificate, err := o.enableTLS(&network, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, certificate.close()) }()
	stop, err := profile(o.profile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if h.Trace = traceBy(spans); h.Trace != nil {
		h.Requests = newRequests()
	}
	h.Service, h.Verifier, h.Refused = s, host.DevVerifier(s, o.account, o.anyCredentials), s.RememberRefusal
	if h.Console, err = o.console.site(console.Config{Dev: true, Region: declared.Region}); err != nil {
		return err
	}
	printBanner(out, o, listener.Addr().String(), declared.Region, certificate)
	if o.data != "" {
		watchCustody(ctx, s, logger)
	}
	return serve(ctx, server.New(h, network), listener)
}

// configure completes the configuration of the service.
func (o *devOptions) configure(c service.Config, address string, log *slog.Logger) service.Config {
	c.Log, c.Create, c.Dev, c.DevAccount, c.WrappingKeysAhead = log, true, true, o.account, wrappingKeysAhead
	c.OpenCustody, c.Computing = openCustody, new(processors).computing
	c.Address, c.Version = address, programVersion()
	o.expiry.configure(&c, log)
	return c
}
