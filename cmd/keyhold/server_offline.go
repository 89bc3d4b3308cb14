package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/shares"
)

// An offlinePlace is a deployment that a command opens without a server: by a custody, or by shares of its recovery
// key.
type offlinePlace struct {
	place
	shares givenShares
	set    shares.Set // of the shares, once they are joined
	fips   fipsOption
}

func (o *offlinePlace) flags(c *cobra.Command) {
	o.place.flags(c)
	o.shares.flags(c, "share", "the recovery key")
	o.fips.flags(c)
}

// withService runs fn with the service of the deployment.
func (o *offlinePlace) withService(ctx context.Context, log io.Writer, fn func(*service.Service) error) error {
	if err := o.place.checkOffline(); err != nil {
		return err
	}
	if err := o.checkFIPS(); err != nil {
		return err
	}
	if len(o.shares.files) > 0 {
		if err := o.joinShares(); err != nil {
			return err
		}
	}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return o.place.openOffline(ctx, logger, o.explain, func(_ host.Deployment, s *service.Service) error { return fn(s) })
}

// checkFIPS refuses FIPS mode if the program does not have the module, or if the custody is not allowed.
func (o *offlinePlace) checkFIPS() error {
	if len(o.shares.files) == 0 {
		return o.fips.check(o.root)
	}
	o.shares.fips = o.fips
	return o.fips.checkModule()
}

// checkOffline refuses a folder without a deployment, before secrets are read.
func (p place) checkOffline() error {
	if err := harden(); err != nil {
		return err
	}
	if !p.shared() && !host.HasDatabase(p.data) {
		return p.explain(records.ErrNotInitialised)
	}
	return nil
}

// openOffline runs fn with a deployment that no server uses, and its service.
func (p place) openOffline(
	ctx context.Context, log *slog.Logger, explain func(error) error, fn func(host.Deployment, *service.Service) error,
) (err error) {
	var s *service.Service
	d, err := p.open(ctx, log, func(error) {})
	defer func() { err = errors.Join(err, d.Close(s)) }()
	if err != nil {
		return explain(err)
	}
	c := d.Config()
	c.Log = log
	if s, err = service.Open(ctx, c); err != nil {
		return explain(err)
	}
	return fn(d, s)
}

// joinShares makes the recovery key of the shares the custody that opens the deployment.
func (o *offlinePlace) joinShares() error {
	if o.given() {
		return usageError{errors.New("a deployment is opened by --custody or --root-key-file, or by --share: give one of " +
			"them")}
	}
	root, set, err := o.shares.recoveryKey()
	if err != nil {
		return err
	}
	o.set = set
	o.made, o.root = root, custody.Spec{Kind: seal.RecoveryKind, Argument: root.ID()[len(seal.RecoveryKind)+1:]}
	return nil
}

// explain adds the remedy to an error from opening the deployment.
func (o *offlinePlace) explain(err error) error {
	if len(o.shares.files) > 0 && errors.Is(err, seal.ErrWrongRoot) {
		return fmt.Errorf("the shares of %s do not open the deployment in %s: %w; give shares of the set that was made for "+
			"it last, or restore the store that they were made for", o.root, o.name(), err)
	}
	return o.place.explain(err)
}

// recoveryKey returns the recovery key that the shares bring back, and their set.
func (o *givenShares) recoveryKey() (root seal.Root, set shares.Set, err error) {
	given, err := o.read()
	if err != nil {
		return nil, set, err
	}
	defer clearGiven(given)
	private, err := shares.Join(given)
	if err != nil {
		return nil, set, err
	}
	defer clear(private)
	set = given[0].Set
	if err := errOneSecret(set, shares.KindRecovery); err != nil {
		return nil, set, err
	}
	root, err = seal.OpenRecoveryKey(private)
	if err == nil && root.ID() != set.ID {
		err = fmt.Errorf("the shares have another recovery key than they say: %s, not %s", root.ID(), set.ID)
	}
	return root, set, err
}
