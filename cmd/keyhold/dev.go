package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/seal"
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
	addr    string
	account string
	data    string
	seed    string
	profile string

	anyCredentials bool
	network        networkOptions
	tls            devTLS
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
With --data, authority and certificate stay the same when the server starts again.`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return runDev(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.Flags().StringVar(&o.addr, "addr", "127.0.0.1:4599", "address to listen on; port 0 takes a free one")
	c.Flags().StringVar(&o.account, "account", devAccount, "account of the credentials, 12 digits")
	c.Flags().StringVar(&o.data, "data", "", "folder to keep the data in, sealed (default: memory only)")
	c.Flags().StringVar(&o.seed, "seed", "",
		"TOML file that declares keys to make if they do not exist (docs/seed-file.md)")
	c.Flags().BoolVar(&o.anyCredentials, "any-credentials", false,
		"admit unknown access keys without verifying their signatures; an access key ID of 12 digits names its account")
	networkFlags(c, &o.network)
	devTLSFlags(c, &o.tls)
	profileFlag(c, &o.profile)
	return c
}

// check rejects invalid flags before anything is opened.
func (o devOptions) check() error {
	if !key.ValidAccount(o.account) {
		return usageError{fmt.Errorf("--account %q is not an account ID: give 12 digits, such as 111122223333", o.account)}
	}
	_, err := o.tls.certificateNames(o.addr)
	return err
}

// checkFolder rejects the data folder of a server for production.
func (o devOptions) checkFolder(ctx context.Context, s *service.Service) error {
	account, err := s.Account(ctx)
	if err != nil || account != "" {
		return errors.Join(err, fmt.Errorf(
			"%s is the data folder of a server for production: use keyhold serve, or give another folder with --data", o.data))
	}
	return nil
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
	ctx, fail := context.WithCancelCause(ctx)
	outliveHangups(ctx, fail, logger)
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
	d, err := openDev(o.data, fail, logger)
	defer func() { err = errors.Join(err, d.Close(s)) }()
	if err != nil {
		return explainOpen(err, o.data, devRootKey(o.data))
	}
	c := d.Config()
	c.Log, c.Create, c.Dev, c.DevAccount, c.WrappingKeysAhead = logger, true, true, o.account, wrappingKeysAhead
	c.Computing = new(processors).computing
	if s, err = service.Open(ctx, c); err != nil {
		return explainOpen(err, o.data, devRootKey(o.data))
	}
	if err := o.checkFolder(ctx, s); err != nil {
		return err
	}
	if err := applySeed(ctx, s, declared, logger); err != nil {
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
	h.Service, h.Verifier, h.Refused = s, host.DevVerifier(s, o.account, o.anyCredentials), s.RememberRefusal
	printBanner(out, o, listener.Addr().String(), declared.Region, certificate)
	return serve(ctx, server.New(h, network), listener)
}

// devRootKey returns the path of a dev server's root key. The root key is in the data folder, which is
// safe enough on a laptop.
func devRootKey(data string) string { return filepath.Join(data, "root.key") }

// openDev opens the data folder. If there is no database yet, it creates the folder and the root key.
// Without a folder, the data is in memory.
func openDev(data string, fail func(error), log *slog.Logger) (d host.Deployment, err error) {
	if data == "" {
		return host.InMemory(fail), nil
	}
	if !host.HasDatabase(data) {
		if err := os.MkdirAll(data, 0o700); err != nil {
			return d, fmt.Errorf("data folder: %w", err)
		}
		if err := seal.CreateKeyFile(devRootKey(data)); err != nil && !errors.Is(err, os.ErrExist) {
			return d, err
		}
	}
	if d, err = host.OpenFolder(data, devRootKey(data), fail); err != nil {
		return d, err
	}
	return d, d.HoldReserve(data, defaultReserve<<20, log)
}
