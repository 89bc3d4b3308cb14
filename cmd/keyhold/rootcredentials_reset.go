package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/service"
)

func rootCredentialsResetCommand() *cobra.Command {
	var o offlinePlace
	c := &cobra.Command{
		Use:   "reset --data DIR (--custody CUSTODY | --share FILE...)",
		Short: "Revoke the credentials of the root, and make new ones",
		Long: `Revoke all access keys of the root of the deployment's account, end the sessions of the
root, and make a new access key, which is shown here and never again. Users, roles and
their credentials stay as they are. The event ResetRootCredentials is in the audit log.

The server of the data folder must be stopped. With --store, --data is the folder of a
node that is stopped, or a new folder; other nodes can run, and refuse the old credentials
when the command ends. A person with the root key, or with enough shares of
the recovery key, can do this (docs/recovery.md).`,
		Example: `  keyhold root-credentials reset --data /var/lib/keyhold --custody key-file:/etc/keyhold/root.key
  keyhold root-credentials reset --data /var/lib/keyhold --share share-1.age --share share-3.age --identity id`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			return resetRootCredentials(c.Context(), o, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	o.flags(c)
	return c
}

func resetRootCredentials(ctx context.Context, o offlinePlace, out, log io.Writer) error {
	err := o.withService(ctx, log, func(s *service.Service) error {
		r, err := s.ResetRoot(ctx)
		if err != nil {
			return err
		}
		return printReset(r, out, printer{log})
	})
	if errors.Is(err, records.ErrNotInitialised) {
		return o.explainNoAccount()
	}
	return err
}

func printReset(r service.RootReset, out io.Writer, progress printer) error {
	progress.step("Revoked", "%s, and all sessions of the root", strings.Join(r.Revoked, ", "))
	return printf(out, `The credentials of the root of account %s, which are not shown again:
  export AWS_ACCESS_KEY_ID=%s
  export AWS_SECRET_ACCESS_KEY=%s
`, r.Account, r.AccessKeyID, r.Secret)
}
