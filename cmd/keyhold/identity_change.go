package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/api"
)

func identityRotateKeyCommand(client *clientOptions) *cobra.Command {
	var o output
	var account string
	c := &cobra.Command{
		Use:   "rotate-key IDENTITY",
		Short: "Make a second access key for a user, or for the root of an account",
		Long: `Make a second access key for a user, or for the root of an account. The old access key
keeps working. Disable it when nothing uses it any more: keyhold identity list shows when
each access key was last used. At most two access keys can exist, so an inactive one is
removed to make room.`,
		Example: "  keyhold identity rotate-key user/alice",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := parseIdentity(args[0], account)
			if err != nil {
				return err
			}
			in := &api.RotateAccessKeyRequest{AccountId: n.account, Name: n.name}
			switch *n.kind {
			case "account":
				in.AccountId, in.Name = n.name, nil
			case "user":
			default:
				return usageError{fmt.Errorf("%s cannot have access keys: only users and the roots of accounts can", args[0])}
			}
			if err := o.check(c); err != nil {
				return err
			}
			at, err := client.connect(c.Context(), printer{c.ErrOrStderr()})
			if err != nil {
				return err
			}
			var out api.RotateAccessKeyResponse
			if err := at.call(c.Context(), api.TargetAdmin, "RotateAccessKey", in, &out); err != nil {
				return err
			}
			if out.Removed != nil {
				printf(c.ErrOrStderr(), "Removed the inactive access key %s.\n", *out.Removed)
			}
			made, ok := newMadeKey(out.Arn, out.Made)
			if !ok {
				return at.mismatchError()
			}
			text := new(page)
			made.print(text)
			return o.print(text, made)
		},
	}
	accountFlag(c, &account)
	o.flag(c)
	return c
}

// identityStateCommand returns the command keyhold identity disable or enable.
func identityStateCommand(client *clientOptions, verb string, enabled bool) *cobra.Command {
	short := "Disable a user or role with its sessions, or one access key"
	if enabled {
		short = "Enable a disabled user, role or access key"
	}
	var account string
	c := &cobra.Command{
		Use:     verb + " IDENTITY | ACCESS_KEY_ID",
		Short:   short,
		Example: "  keyhold identity " + verb + " role/deployer",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			in := &api.SetIdentityStateRequest{Enabled: &enabled}
			if strings.Contains(args[0], "/") || strings.HasPrefix(args[0], "arn:") {
				n, err := parseIdentity(args[0], account)
				if err != nil {
					return err
				}
				in.AccountId, in.Kind, in.Name = n.account, n.kind, n.name
			} else {
				in.AccessKeyId = &args[0]
			}
			at, err := client.connect(c.Context(), printer{c.ErrOrStderr()})
			if err != nil {
				return err
			}
			if err := at.call(c.Context(), api.TargetAdmin, "SetIdentityState", in, nil); err != nil {
				return err
			}
			return printf(c.ErrOrStderr(), "%s is %sd.\n", args[0], verb)
		},
	}
	accountFlag(c, &account)
	return c
}

func identityRevokeCommand(client *clientOptions) *cobra.Command {
	var account string
	c := &cobra.Command{
		Use:     "revoke-sessions ROLE",
		Short:   "End all sessions of a role or user that were issued until now",
		Example: "  keyhold identity revoke-sessions deployer",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			name := args[0]
			if !strings.Contains(name, "/") {
				name = "role/" + name
			}
			n, err := parseIdentity(name, account)
			if err != nil {
				return err
			}
			at, err := client.connect(c.Context(), printer{c.ErrOrStderr()})
			if err != nil {
				return err
			}
			if err := at.call(c.Context(), api.TargetAdmin, "RevokeSessions", n.request(), nil); err != nil {
				return err
			}
			return printf(c.ErrOrStderr(), "The server now refuses all sessions of %s that it has issued so far.\n", name)
		},
	}
	accountFlag(c, &account)
	return c
}
