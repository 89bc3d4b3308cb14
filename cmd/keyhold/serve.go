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
	"github.com/keyhold/keyhold/internal/console"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/server"
	"github.com/keyhold/keyhold/internal/service"
)

// serveOptions are the flags of keyhold serve.
type serveOptions struct {
	place
	endpointOptions
	account   string
	regions   []string
	network   networkOptions
	console   consoleOptions
	reserve   int // MiB
	limits    limits
	devices   deviceOptions
	reclaim   int // slots
	fips      fipsOption
	auditKeep string
	auditSync auditSync
	logging   loggingOptions
	config    configuration
	private   privateOptions
	expiry    expiryOptions
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
warns of keys in Regions that it does not serve.

Settings are also read from the file of --config and from the environment. When the file or
a certificate has changed, and after SIGHUP, the server reloads certificates, limits,
Regions and the log level (docs/configuration.md). A server whose terminal is closed stops
in order.

With --store URL, the server is one of several nodes that share etcd or PostgreSQL
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
	o.flags(c)
	return c
}

// flags adds the flags, which are the settings. Each has a line in the table of settings.
func (o *serveOptions) flags(c *cobra.Command) {
	o.place.flags(c)
	c.PreRunE = func(*cobra.Command, []string) error { return o.complete(c) }
	c.Flags().String(configFlag, "",
		"file of settings, TOML (docs/configuration.md); flags and the environment take precedence")
	o.endpointOptions.flags(c, "127.0.0.1:4599")
	c.Flags().StringVar(&o.account, "account", "", "refuse to start unless the deployment belongs to this account")
	c.Flags().StringSliceVar(&o.regions, "regions", nil,
		"Regions to serve, separated by commas (default: the Regions of keyhold init, or of the last start with this flag)")
	networkFlags(c, &o.network)
	o.console.flags(c, false)
	reserveFlag(c, &o.reserve)
	c.Flags().StringVar(&o.auditKeep, "audit-keep", "",
		"age in days at which events are deleted, as 400d (default: all events are kept)")
	o.auditSync.flags(c)
	o.limits.flags(c)
	o.logging.flags(c)
	o.devices.flags(c)
	c.Flags().IntVar(&o.reclaim, "reclaim-slots", 0,
		"erase up to N slots that no record names, if keyhold verify has found no damage (docs/storage.md)")
	o.fips.flags(c)
	o.private.flags(c)
	o.expiry.flags(c, "30d", "7d", "1d")
	o.expiry.serverFlags(c)
}

// complete gives settings that are not flags their values, and checks them.
func (o *serveOptions) complete(c *cobra.Command) (err error) {
	if o.config, err = load(c.Flags(), os.Getenv); err != nil {
		return err
	}
	if err := o.place.complete(c.CommandPath()); err != nil {
		return o.config.locate(err)
	}
	return o.config.locate(o.check())
}

// check rejects invalid settings before anything is opened.
func (o serveOptions) check() error {
	_, days := parseDays(o.auditKeep)
	_, _, network := o.network.open(nil)
	return errors.Join(
		o.checkGivenAccount(), checkRegions(o.regions), o.limits.check(), o.fips.check(o.root),
		o.endpointOptions.check(), network, o.devices.check(), checkReclaim(o.reclaim), days, checkReserve(o.reserve),
		o.logging.check(), o.private.check(), o.auditSync.check(), o.expiry.check(),
		o.console.check(),
	)
}

func (o serveOptions) checkGivenAccount() error {
	if o.account != "" && !key.ValidAccount(o.account) {
		return usageError{fmt.Errorf("--account %q is not an account ID: give 12 digits, such as 111122223333", o.account)}
	}
	return nil
}

func checkReclaim(slots int) error {
	if slots < 0 {
		return usageError{fmt.Errorf("--reclaim-slots: %d is negative: give the number in the log of the server", slots)}
	}
	return nil
}

func checkRegions(regions []string) error {
	for _, r := range regions {
		if !key.ValidRegion(r) {
			return usageError{fmt.Errorf("--regions: %q is not a Region: write it as us-east-1", r)}
		}
	}
	return nil
}

// prepare makes sure that there is a deployment, and hardens the process before it has secrets.
func (o serveOptions) prepare() error {
	if !o.shared() && !host.HasDatabase(o.data) {
		return o.explain(records.ErrNotInitialised)
	}
	return harden()
}

// listeners returns the listener of the server, and the private listener, or nil without one.
func (o serveOptions) listeners(secure **tls.Config) (public, own net.Listener, closeAll func(), err error) {
	if public, err = o.listen(secure); err != nil {
		return nil, nil, nil, err
	}
	if own, err = o.private.listen(); err != nil {
		public.Close()
		return nil, nil, nil, err
	}
	return public, own, func() {
		if own != nil {
			own.Close()
		}
		public.Close()
	}, nil
}

func runServe(ctx context.Context, o serveOptions, out, log io.Writer) (err error) {
	if err := o.prepare(); err != nil {
		return err
	}
	logger, level := o.logging.logger(log)
	spans, err := openTracer(ctx, logger)
	if err != nil {
		return err
	}
	defer spans.Close()
	ctx, fail := context.WithCancelCause(ctx)
	reloads := make(chan struct{}, 1)
	outliveHangups(ctx, fail, func() { requestReload(reloads) })
	locked := lockMemory(logger)
	network, h, err := o.network.open(logger)
	if err != nil {
		return err
	}
	listener, own, closeAll, err := o.listeners(&network.TLS)
	if err != nil {
		return err
	}
	defer closeAll()
	var s *service.Service
	others := devices{deviceOptions: o.devices, data: o.data, log: logger}
	defer others.end() // after the log is closed
	d, err := o.open(ctx, logger, fail)
	defer func() { err = errors.Join(err, d.Close(s)) }()
	if err != nil {
		return o.explain(err)
	}
	seen := &observed{complete: make(chan struct{})}
	c, err := o.configureOn(d, listener.Addr().String(), &others, seen, logger)
	if err != nil {
		return err
	}
	o.expiry.run(ctx)
	if s, err = service.Open(ctx, c); err != nil {
		return o.explain(err)
	}
	account, err := o.checkAccount(ctx, s)
	if err != nil {
		return err
	}
	if o.regions, err = s.ServeRegions(ctx, o.regions); err != nil {
		return err
	}
	warnOfRegions(ctx, s, logger)
	if err := printServing(out, o, listener.Addr().String(), account, network.TLS); err != nil {
		return err
	}
	r := &reloader{serveOptions: o, service: s, level: level, log: logger, notify: newNotifier(), requests: reloads}
	h.Trace = traceBy(spans)
	w := watched{service: s, data: o.data, devices: &others, locked: locked, expiry: &o.expiry, node: c.Node}
	return r.answer(ctx, w, seen, h, network, own, listener)
}

// configureOn prepares a deployment for the service, and returns the configuration of the service. It makes the hook
// of the warnings.
func (o *serveOptions) configureOn(
	d host.Deployment, address string, others *devices, seen *observed, logger *slog.Logger,
) (c service.Config, err error) {
	if err := d.HoldReserve(o.data, int64(o.reserve)<<20, logger); err != nil {
		return c, err
	}
	o.auditSync.apply(d)
	if c, err = o.configure(d.Config(), address, logger); err != nil {
		return c, err
	}
	c.AuditNeeded = others.needed(c.Full)
	o.expiry.configure(&c, logger)
	log := c.Audit
	c.Protected = func(ctx context.Context) error { return others.begin(ctx, log) }
	c.Situation, c.Readings = seen.situation, seen.readings
	return c, nil
}

// answer answers requests until ctx ends. own is the private listener, or nil. seen is what the service shows of the
// server.
func (r *reloader) answer(
	ctx context.Context, w watched, seen *observed, h *server.Handler, network conns.Config, own, listener net.Listener,
) error {
	h.Service, h.Verifier = r.service, host.Verifier(r.service)
	var err error
	if h.Console, err = r.console.site(console.Config{Region: r.regions[0], Regions: r.service.Regions}); err != nil {
		return err
	}
	w.custody = watchCustody(ctx, r.service, r.log)
	w.devices.run(ctx)
	h.Requests = newRequests()
	r.server = server.New(h, network)
	w.certificate = r.server.Certificate
	seen.watched, seen.checks, seen.connections = w, w.checks(), r.server.Connections
	seen.observe(ctx, h.Requests)
	close(seen.complete)
	if err := r.private.serve(ctx, own, seen.checks, w.readers(seen.checks, h.Requests, r.server), r.log); err != nil {
		return err
	}
	return r.serve(ctx, listener)
}

// configure completes the configuration of the service.
func (o serveOptions) configure(c service.Config, address string, log *slog.Logger) (service.Config, error) {
	c.Log, c.WrappingKeysAhead = log, wrappingKeysAhead
	c.AuditKeep, _ = parseDays(o.auditKeep) // was checked
	c.Address, c.Version = address, programVersion()
	c.Rates, c.Quotas = o.limits.effective()
	c.OpenCustody, c.ReclaimSlots = openCustody, o.reclaim
	c.Computing = new(processors).computing
	o.fips.restrict(&c, log)
	return withFaults(c)
}

// checkAccount returns the account of the deployment, and refuses the account of another one.
func (o serveOptions) checkAccount(ctx context.Context, s *service.Service) (account string, err error) {
	if account, err = s.Account(ctx); err != nil {
		return "", err
	}
	if account == "" {
		return "", o.explainNoAccount()
	}
	if o.account != "" && o.account != account {
		return "", fmt.Errorf("the deployment in %s belongs to account %q, not %s", o.name(), account, o.account)
	}
	return account, nil
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
