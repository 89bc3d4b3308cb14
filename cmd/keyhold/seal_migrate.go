package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/service"
)

// migrateOptions are the flags of keyhold seal migrate.
type migrateOptions struct {
	place
	to, from string
	remove   bool
}

func sealMigrateCommand(client *clientOptions) *cobra.Command {
	var o migrateOptions
	c := &cobra.Command{
		Use:   "migrate --to CUSTODY [--remove]",
		Short: "Add a custody, which the server uses from then on, and remove the former one",
		Long: `Add a custody of the root key, which the server uses from then on. The server opens the
custody itself, so --to names it as the server sees it: its files, and the credentials of its
unit. The server cannot ask for a passphrase. Before the server stores the custody, it makes the
custody wrap and unwrap a secret, and opens the changed keyring with this custody.

The former custody stays until --remove, with --to or in a second call. --from is the ID of
the custody to remove, from keyhold seal status; without --from it is the custody that the
server used before. The last custody cannot be removed, and neither can a custody that a server
uses. Move several servers on a shared store one after the other, each at its own address.

The credentials must belong to the deployment's account, and have the permission
keyhold:SealMigrate. For a deployment without a server, give --data and the present --custody
instead.`,
		Example: `  keyhold seal make key-file:/etc/keyhold/new.key
  keyhold seal migrate --to key-file:/etc/keyhold/new.key
  keyhold seal migrate --remove --from key-file:3bf388899cff7286`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			progress := printer{c.ErrOrStderr()}
			if o.data != "" {
				return o.offline(c.Context(), progress)
			}
			at, err := client.connect(c.Context(), progress)
			if err != nil {
				return err
			}
			return o.online(c.Context(), at, progress)
		},
	}
	c.Flags().StringVar(&o.to, "to", "", "custody to add, as in --custody of the server (docs/custody.md)")
	c.Flags().BoolVar(&o.remove, "remove", false, "remove the former custody, or the custody of --from")
	c.Flags().StringVar(&o.from, "from", "", "ID of the custody to remove")
	c.Flags().StringVar(&o.data, "data", "", "data folder of a deployment without a server")
	c.Flags().StringVar(&o.store, "store", "", "URL of its shared store; --data then names the folder of a node")
	o.rootOptions.flags(c.Flags(), " of a deployment without a server")
	return c
}

// check checks the flags.
func (o *migrateOptions) check() error {
	switch {
	case o.to == "" && (!o.remove || o.from == ""):
		return usageError{errors.New("keyhold seal migrate needs --to CUSTODY, or --remove --from ID: " +
			"keyhold seal status shows the IDs")}
	case o.from != "" && !o.remove:
		return usageError{errors.New("--from names the custody to remove: add --remove")}
	case o.data == "" && (o.given() || o.store != ""):
		return usageError{errors.New("--custody, --root-key-file and --store are for a deployment without a server: " +
			"add --data DIR")}
	}
	if o.to != "" {
		if _, err := custody.Parse(o.to); err != nil {
			return usageError{fmt.Errorf("--to: %w", err)}
		}
	}
	if o.data == "" {
		return nil
	}
	return o.place.complete("keyhold seal migrate")
}

// online has a server that runs make the changes.
func (o *migrateOptions) online(ctx context.Context, at *connection, progress printer) error {
	from := o.from
	if o.to != "" {
		var out api.SealMigrateResponse
		if err := at.call(ctx, api.TargetAdmin, "SealMigrate", &api.SealMigrateRequest{To: &o.to}, &out); err != nil {
			return err
		}
		o.added(deref(out.CustodyId), progress)
		if former := deref(out.FormerId); from == "" && former != deref(out.CustodyId) {
			from = former
		}
		progress.step("Restart", "start the server with%s from now on", rootFlag(o.spec()))
	}
	if o.remove && from != "" {
		in := &api.SealMigrateRequest{From: &from}
		if err := at.call(ctx, api.TargetAdmin, "SealMigrate", in, nil); err != nil {
			return err
		}
	}
	o.removed(from, progress)
	return nil
}

func (o *migrateOptions) added(id string, progress printer) {
	progress.step("Added", "%s", id)
}

// removed reports the custody that was removed, or that can be.
func (o *migrateOptions) removed(id string, progress printer) {
	switch {
	case id == "":
	case o.remove:
		progress.step("Removed", "%s: destroy it, because it opens older copies of the store", id)
	default:
		progress.step("Next",
			"try a restart, and then remove the former custody: keyhold seal migrate --remove --from %s", id)
	}
}

// spec returns the custody of --to, which check has parsed.
func (o *migrateOptions) spec() custody.Spec {
	spec, _ := custody.Parse(o.to)
	return spec
}

// offline changes a deployment that no server uses.
func (o *migrateOptions) offline(ctx context.Context, progress printer) error {
	if err := o.checkOffline(); err != nil {
		return err
	}
	return o.openOffline(ctx, slog.New(slog.DiscardHandler), o.explain, func(d host.Deployment, s *service.Service) error {
		return o.move(ctx, d, s, progress)
	})
}

// move changes the custody of the root key of an open deployment.
func (o *migrateOptions) move(ctx context.Context, d host.Deployment, s *service.Service, progress printer) error {
	from := o.from
	if o.to != "" {
		to, err := o.spec().Open(askForSecret)
		if err != nil {
			return fmt.Errorf("--to: %w", err)
		}
		if err := s.MigrateSeal(ctx, to, ""); err != nil {
			return err
		}
		o.added(to.ID(), progress)
		if from == "" && d.Root.ID() != to.ID() {
			from = d.Root.ID()
		}
		moved := o.place
		moved.root = o.spec()
		progress.step("Start", "%s serve %s", self(), moved.flagsForShell())
	}
	if o.remove && from != "" {
		if err := s.MigrateSeal(ctx, nil, from); err != nil {
			return err
		}
	}
	o.removed(from, progress)
	return nil
}
