package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

func identityCommand() *cobra.Command {
	var client clientOptions
	c := &cobra.Command{
		Use:   "identity",
		Short: "Show users, roles and policies, rotate access keys, disable, end sessions, remove",
		Long: `Show users, roles and policies, rotate access keys, disable and remove identities, and end
sessions. Use keyhold apply to create or change identities. Name an identity by its ARN, or
by its kind and name: user/alice, role/deployer, policy/use, account/111122223333,
oidc-provider/oidc.example.com. The credentials must belong to the deployment's account, and
have the permission of each request (docs/identities.md). Users of all accounts can show
themselves and rotate their own access keys, if their policies allow it.`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	client.ownFlags(c)
	c.AddCommand(
		identityListCommand(&client), identityShowCommand(&client), identityRotateKeyCommand(&client),
		identityStateCommand(&client, "disable", false), identityStateCommand(&client, "enable", true),
		identityRevokeCommand(&client), identityDeleteCommand(&client),
	)
	return c
}

// An identityName is an identity in an argument.
type identityName struct{ account, kind, name *string }

func (n identityName) request() *api.IdentityRequest {
	return &api.IdentityRequest{AccountId: n.account, Kind: n.kind, Name: n.name}
}

// parseIdentity parses an ARN, or KIND/NAME in the given account.
func parseIdentity(text, account string) (n identityName, err error) {
	kindAndName := text
	if rest, ok := strings.CutPrefix(text, "arn:aws:iam::"); ok {
		account, kindAndName, _ = strings.Cut(rest, ":")
		if kindAndName == "root" {
			kindAndName = "account/" + account
		}
	}
	kind, name, ok := strings.Cut(kindAndName, "/")
	if kind != "oidc-provider" && ok {
		name = name[strings.LastIndexByte(name, '/')+1:] // removes the path
	}
	if !ok || name == "" {
		return n, usageError{fmt.Errorf("%q is not an identity: give an ARN, or kind and name, such as user/alice", text)}
	}
	n = identityName{kind: &kind, name: &name}
	if account != "" {
		n.account = &account
	}
	return n, nil
}

func accountFlag(c *cobra.Command, account *string) {
	c.Flags().StringVar(account, "account", "", "account of the identity (default: the deployment's account)")
}

func identityListCommand(client *clientOptions) *cobra.Command {
	var o output
	var account string
	c := &cobra.Command{
		Use:   "list [KIND]",
		Short: "List accounts, users, roles, policies and OIDC providers",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(c); err != nil {
				return err
			}
			kinds := []string{"account", "oidc-provider", "policy", "role", "user"}
			if len(args) > 0 {
				kinds = args
			}
			at, err := client.connect(c.Context(), printer{c.ErrOrStderr()})
			if err != nil {
				return err
			}
			return listIdentities(c.Context(), at, o, kinds, account)
		},
	}
	accountFlag(c, &account)
	o.flag(c)
	return c
}

func listIdentities(ctx context.Context, at *connection, o output, kinds []string, account string) error {
	text := new(page)
	all := []api.IdentityEntry{}
	var of *string
	if account != "" {
		of = &account
	}
	for _, kind := range kinds {
		err := at.eachIdentity(ctx, kind, of, func(e api.IdentityEntry) {
			all = append(all, e)
			text.printf("%s%s\n", *e.Arn, state(e.Enabled))
			for _, k := range e.AccessKeys {
				text.printf("  %s\n", describeKey(k))
			}
		})
		if err != nil {
			return err
		}
	}
	return o.print(text, struct{ Identities []api.IdentityEntry }{all})
}

func state(enabled bool) string {
	if enabled {
		return ""
	}
	return "  (disabled)"
}

// describeKey describes an access key on one line.
func describeKey(k api.AccessKeyStatus) string {
	text := deref(k.AccessKeyId) + "  active"
	if !k.Active {
		text = deref(k.AccessKeyId) + "  inactive"
	}
	if k.LastUsedDate == nil {
		return text + ", never used"
	}
	return fmt.Sprintf("%s, last used %s for %s in %s", text, k.LastUsedDate, deref(k.Service), deref(k.Region))
}

func identityShowCommand(client *clientOptions) *cobra.Command {
	var o output
	var account string
	c := &cobra.Command{
		Use:     "show IDENTITY",
		Short:   "Show an identity without its secrets, as JSON",
		Example: "  keyhold identity show user/alice",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := parseIdentity(args[0], account)
			if err != nil {
				return err
			}
			at, err := client.connect(c.Context(), printer{c.ErrOrStderr()})
			if err != nil {
				return err
			}
			o.form, o.w = formJSON, c.OutOrStdout()
			var identity api.ShowIdentityResponse
			if err := at.call(c.Context(), api.TargetAdmin, "ShowIdentity", n.request(), &identity); err != nil {
				return err
			}
			return o.print(nil, identity)
		},
	}
	accountFlag(c, &account)
	return c
}
