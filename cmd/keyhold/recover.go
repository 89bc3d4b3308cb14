package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/shares"
)

// recoverOptions are the flags of keyhold recover.
type recoverOptions struct {
	offlinePlace
	to    string
	alone bool
	spec  custody.Spec // of to
}

func recoverCommand() *cobra.Command {
	var o recoverOptions
	c := &cobra.Command{
		Use:   "recover --data DIR --share FILE... --to CUSTODY",
		Short: "Open a deployment with the shares of its custodians, and put it under new custody",
		Long: `Open a deployment whose root key is lost with the shares of its recovery key, and put it
under new custody, on a machine that has the data folder or reaches the shared store. As
many shares are needed as their threshold says (docs/recovery.md). No server may use the
data folder. The event Recover is in the audit log.

--to makes the custody, such as a new root key file; a root key file that exists is used.
If the command is interrupted, run it again: until it has ended, the shares open the
deployment as before. The former custodies and the recovery key stay, so the shares can be
used again. --remove-others removes the former custodies. If somebody may have a former
custody and an old copy of the store, replace the root key too: keyhold seal rotate --root.`,
		Example: `  keyhold recover --data /var/lib/keyhold --share share-1.age --share share-3.age --identity id \
      --to key-file:/etc/keyhold/root.key
  keyhold recover check --share share-2.age --identity id`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return o.run(c.Context(), c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.flags(c)
	c.Flags().StringVar(&o.to, "to", "", "custody to make: key-file:PATH or passphrase:prompt (docs/custody.md)")
	c.Flags().BoolVar(&o.alone, "remove-others", false, "remove all other custodies, except the recovery key")
	complete := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error { return errors.Join(o.check(), complete(c, args)) }
	c.AddCommand(recoverSetUpCommand(), recoverCheckCommand(), recoverIdentityCommand())
	return c
}

func (o *recoverOptions) check() (err error) {
	if len(o.shares.files) == 0 || o.to == "" {
		return usageError{errors.New("keyhold recover needs --share FILE for each share, and --to CUSTODY")}
	}
	if o.spec, err = custody.Parse(o.to); err != nil {
		return usageError{fmt.Errorf("--to: %w", err)}
	}
	return o.fips.check(o.spec)
}

func (o *recoverOptions) run(ctx context.Context, out, log io.Writer) error {
	return o.withService(ctx, log, func(s *service.Service) error {
		account, err := s.Account(ctx)
		if err != nil {
			return err
		}
		to, err := o.makeCustody(ctx)
		if err != nil {
			return err
		}
		if err := s.Recover(ctx, to, o.alone, recoverySet(o.set)); err != nil {
			return err
		}
		moved := o.place
		moved.root = o.spec
		return printf(out, "Recovered the deployment of account %s in %s: its root key is in the custody of %s.\n"+
			"Root key: %s.\n\nTo start the server:\n  %s serve %s\n",
			account, o.name(), to.ID(), o.spec.Advice(), self(), moved.flagsForShell()+o.fips.flag())
	})
}

// makeCustody makes the new custody, or opens the root key file that an earlier run has made.
func (o *recoverOptions) makeCustody(ctx context.Context) (seal.Root, error) {
	to, err := o.spec.Create(askForSecret)
	if errors.Is(err, os.ErrExist) {
		if to, err = o.spec.Open(askForSecret); err != nil {
			err = fmt.Errorf("%w; if an earlier run was interrupted, remove this file, which nothing uses", err)
		}
	}
	if err == nil {
		err = custody.Prove(ctx, to)
	}
	if err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	return to, nil
}

// recoverySet describes a set for the audit log.
func recoverySet(s shares.Set) service.RecoverySet {
	return service.RecoverySet{Threshold: s.Threshold, Shares: s.Count, Fingerprint: s.Fingerprint()}
}
