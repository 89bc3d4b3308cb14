package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/authority"
	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/service"
)

// initOptions are the flags of keyhold init.
type initOptions struct {
	place
	account string
	regions []string
	fips    fipsOption
	shares  custodians // of the recovery key
	tlsName string     // of the server, for a certificate
}

func initCommand() *cobra.Command {
	var o initOptions
	c := &cobra.Command{
		Use:   "init --data DIR [--store URL]",
		Short: "Make the data folder, the root key and the first credentials of a server",
		Long: `Make the data folder, the root key file and the first credentials of a server. The
credentials belong to the root of the account. They are shown here and never again.
Anybody who has both the root key file and the data folder has the keys: keep copies
of the two in different places.

With --store URL, the data is in etcd or PostgreSQL, which several servers share
(docs/cluster.md). The data folder then belongs to the first of these servers.

With --recovery FILE, the command makes a recovery key and splits it among custodians: enough
of their shares open the data if the root key is lost (docs/recovery.md).

With --tls-name NAME, the command makes a certificate for the server beside the data folder,
and prints its fingerprint. Clients pin the fingerprint with --pin-sha256.`,
		Example: `  keyhold init --data /var/lib/keyhold --root-key-file /etc/keyhold/root.key --regions eu-west-2
  keyhold init --store etcd://etcd1:2379,etcd2:2379/keyhold --data /var/lib/keyhold`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return runInit(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.place.flags(c)
	c.Flags().StringVar(&o.account, "account", "000000000000", "account of the deployment, 12 digits")
	c.Flags().StringSliceVar(&o.regions, "regions", []string{service.DefaultRegion},
		"Regions to serve, separated by commas")
	o.fips.flags(c)
	o.shares.flags(c, recoveryFlag, "the recovery key")
	c.Flags().StringVar(&o.tlsName, "tls-name", "",
		"host name or IP address of the server, to make a certificate beside the data folder (default: none)")
	return c
}

// initRootKey returns the path of the root key that keyhold init makes by default, beside the data folder.
func initRootKey(data string) string { return filepath.Clean(data) + ".root-key" }

// rootKeyFileOf returns the path of the root key of a data folder of any server, by default.
func rootKeyFileOf(data string) string {
	if _, err := os.Stat(devRootKey(data)); err == nil {
		return devRootKey(data)
	}
	return initRootKey(data)
}

func runInit(ctx context.Context, o initOptions, out, log io.Writer) (err error) {
	if !key.ValidAccount(o.account) {
		return usageError{fmt.Errorf("--account %q is not an account ID: give 12 digits, such as 111122223333", o.account)}
	}
	if err := checkRegions(o.regions); err != nil {
		return err
	}
	if err := o.fips.check(o.root); err != nil {
		return err
	}
	if err := o.checkTLSName(); err != nil {
		return err
	}
	if err := o.checkShares(); err != nil {
		return err
	}
	if err := harden(); err != nil {
		return err
	}
	if err := o.checkEmpty(ctx); err != nil {
		return o.explain(err)
	}
	if err := o.makeRoot(); err != nil {
		return err
	}
	var s *service.Service
	logger := slog.New(slog.NewTextHandler(log, nil))
	d, err := o.open(ctx, logger, func(error) {})
	defer func() { err = errors.Join(err, d.Close(s)) }()
	if err != nil {
		return o.explain(err)
	}
	c := d.Config()
	c.Clock, c.Log, c.Create = service.NewClock(time.Now), logger, true
	if s, err = service.Open(ctx, c); err != nil {
		return o.explain(err)
	}
	id, secret, err := s.Initialise(ctx, o.account)
	if err != nil {
		return err
	}
	if _, err := s.ServeRegions(ctx, o.regions); err != nil {
		return err
	}
	if err := errors.Join(o.printMade(out, id, secret, s.AuditKey()), o.makeCertificate(out)); err != nil {
		return err
	}
	if !o.shares.given() {
		return nil
	}
	if err := makeRecoveryKey(ctx, s, o.shares, printer{log}); err != nil {
		return fmt.Errorf("the deployment is made, but its recovery key is not: %w; run %s recover setup", err, self())
	}
	return nil
}

// checkTLSName rejects a name that a certificate cannot have.
func (o initOptions) checkTLSName() error {
	if o.tlsName == "" {
		return nil
	}
	if _, err := authority.Names([]string{o.tlsName}); err != nil {
		return usageError{fmt.Errorf("--tls-name: %w", err)}
	}
	return nil
}

// makeCertificate makes a certificate beside the data folder, if --tls-name asks for one.
func (o initOptions) makeCertificate(out io.Writer) error {
	if o.tlsName == "" {
		return nil
	}
	at := filepath.Clean(o.data)
	n := newCertificate{o.tlsName, at + ".tls.pem", at + ".tls-key", at + ".authority.pem"}
	if err := n.make(out); err != nil {
		return fmt.Errorf("the deployment is made, but its certificate is not: %w", err)
	}
	return printf(out, "To start the server with this certificate, add: --tls-cert %s --tls-key %s\n",
		guarded.Shell(n.cert), guarded.Shell(n.key))
}

// printMade prints what its owner must know of a new deployment.
func (o initOptions) printMade(out io.Writer, id, secret, auditKey string) error {
	command := self() + " serve " + o.flagsForShell() + o.fips.flag()
	return printf(out, `Made the deployment of account %[1]s in %[2]s.
%[3]s

Public key of the audit log, for keyhold audit verify: %[7]s

The credentials of the account's root, which are not shown again:
  export AWS_ACCESS_KEY_ID=%[4]s
  export AWS_SECRET_ACCESS_KEY=%[5]s

To start the server for programs on this machine:
  %[6]s
To start it for other machines too, with a certificate for its name in server.pem and server.key:
  %[6]s --addr :4599 --tls-cert server.pem --tls-key server.key
`, o.account, o.name(), o.advice(), id, secret, command, auditKey)
}

// checkShares reads the file of custodians, if there is one.
func (o *initOptions) checkShares() error {
	if err := o.shares.check(); err != nil {
		return err
	}
	return o.fips.checkRecipients(o.shares.found)
}

// advice says what its owner must keep of a new root key.
func (o rootOptions) advice() string {
	if o.root.Kind == custody.KeyFileKind {
		return fmt.Sprintf("Root key: %s. The data cannot be opened without this file: keep a copy, apart from the data.",
			o.root.Argument)
	}
	return "Root key: " + o.root.Advice() + "."
}

// checkEmpty refuses a store that has a deployment, before anything is made.
func (o initOptions) checkEmpty(ctx context.Context) (err error) {
	if !o.shared() {
		if host.HasDatabase(o.data) {
			return fmt.Errorf(
				"%s already contains a deployment, which was left unchanged: give another folder with --data", o.data)
		}
		return host.CheckFolder(o.data)
	}
	s, err := host.OpenStore(ctx, o.store, func(error) {})
	defer func() { err = errors.Join(err, s.Close()) }()
	if err != nil {
		return err
	}
	empty, err := records.IsEmpty(ctx, s.Backend)
	if err == nil && !empty {
		err = fmt.Errorf(
			"%s already contains a deployment, which was left unchanged: give another %s in --store", o.store,
			host.PartName(o.store))
	}
	return err
}

// self returns the shell word that runs this program again: its name, or the path by which it was
// called.
func self() string {
	if strings.ContainsRune(os.Args[0], filepath.Separator) {
		return guarded.Shell(os.Args[0])
	}
	return "keyhold"
}
