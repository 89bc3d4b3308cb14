package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

func identityDeleteCommand(client *clientOptions) *cobra.Command {
	var account string
	var dry bool
	c := &cobra.Command{
		Use:   "delete IDENTITY",
		Short: "Remove a user, a role, a managed policy or an OIDC provider",
		Long: `Remove a user with its access keys and inline policies, a role, a managed policy or an OIDC
provider. The command first shows what is removed; with --dry-run it removes nothing. A
managed policy that a user or role has is not removed. Accounts cannot be removed. All
sessions of a user or role end.

Key policies and grants can still name the ARN of the identity: before you make another
identity of this name, read them. The permissions are keyhold:ShowIdentity and
keyhold:DeleteIdentity.`,
		Example: "  keyhold identity delete user/alice --dry-run",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := parseIdentity(args[0], account)
			if err != nil {
				return err
			}
			progress := printer{c.ErrOrStderr()}
			at, err := client.connect(c.Context(), progress)
			if err != nil {
				return err
			}
			var is api.ShowIdentityResponse
			if err := at.call(c.Context(), api.TargetAdmin, "ShowIdentity", n.request(), &is); err != nil {
				return err
			}
			printRemoved(progress, is)
			if dry {
				progress.step("Dry run", "nothing was removed")
				return nil
			}
			if err := at.call(c.Context(), api.TargetAdmin, "DeleteIdentity", n.request(), nil); err != nil {
				return err
			}
			progress.step("Removed", "%s", deref(is.Arn))
			return nil
		},
	}
	accountFlag(c, &account)
	c.Flags().BoolVar(&dry, "dry-run", false, "show what would be removed, and remove nothing")
	return c
}

// printRemoved shows an identity and everything that is removed with it.
func printRemoved(progress printer, is api.ShowIdentityResponse) {
	progress.step("Identity", "%s", deref(is.Arn))
	for _, k := range is.AccessKeys {
		progress.step("Access key", "%s", describeKey(k))
	}
	var policies []string
	for _, p := range is.Policies {
		policies = append(policies, deref(p.Name))
	}
	if len(policies) > 0 {
		progress.step("Policies", "%s", strings.Join(policies, " "))
	}
}
