package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/shares"
)

// recoveryFlag is the name of the flag for the custodians of the recovery key.
const recoveryFlag = "recovery"

// recoveryForm is the form of a recovery key in its shares.
const recoveryForm = "MLKEM768-P256"

func recoverSetUpCommand() *cobra.Command {
	var o offlinePlace
	var to custodians
	c := &cobra.Command{
		Use:   "setup --data DIR --recovery FILE --threshold M",
		Short: "Make a recovery key, and split it among custodians",
		Long: `Make a recovery key for a deployment, and split its private half among custodians. The
keyring keeps the public half, so later changes of the root key and of its custody need no
custodian. The private half exists only in this command. An earlier recovery key is
replaced: its shares open only older copies of the store. If the root key is lost, run
keyhold recover first.

The server of the data folder must be stopped. With --store, other nodes can run. keyhold
init makes a recovery key too if --recovery is given.`,
		Example: "  keyhold recover setup --data /var/lib/keyhold --root-key-file /etc/keyhold/root.key \\\n" +
			"      --recovery custodians.txt --threshold 3 --shares-out recovery-shares",
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if !to.given() {
				return usageError{errors.New("keyhold recover setup needs --recovery FILE, which names the custodians")}
			}
			if err := to.check(); err != nil {
				return err
			}
			if err := o.fips.checkRecipients(to.found); err != nil {
				return err
			}
			return o.withService(c.Context(), c.ErrOrStderr(), func(s *service.Service) error {
				return makeRecoveryKey(c.Context(), s, to, printer{c.ErrOrStderr()})
			})
		},
	}
	o.place.flags(c)
	o.fips.flags(c)
	to.flags(c, recoveryFlag, "the recovery key")
	return c
}

// makeRecoveryKey makes a recovery key, writes its shares, and puts it into the keyring.
func makeRecoveryKey(ctx context.Context, s *service.Service, to custodians, progress printer) error {
	account, err := s.Account(ctx)
	if err != nil {
		return err
	}
	root, private, err := seal.NewRecoveryKey()
	if err != nil {
		return err
	}
	defer clear(private)
	set, err := to.write(shares.Label{
		Kind: shares.KindRecovery, Of: "the deployment of account " + account, Form: recoveryForm, ID: root.ID(),
		Made: time.Now().UTC().Truncate(time.Second),
	}, private, progress)
	if err != nil {
		return err
	}
	if err := s.SetUpRecovery(ctx, root, recoverySet(set)); err != nil {
		progress.step("Careful", "the shares in %s open nothing: remove them", to.out)
		return err
	}
	progress.step("Recovery", "%s: give each custodian the file of their share, and let them check it:", root.ID())
	progress.more("keyhold recover check --share FILE --identity FILE")
	return nil
}
