package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/seed"
	"github.com/keyhold/keyhold/internal/service"
)

// applyOptions are the flags of keyhold apply.
type applyOptions struct {
	file          string
	dryRun, prune bool
	output        output
}

func applyCommand() *cobra.Command {
	var o applyOptions
	var client clientOptions
	c := &cobra.Command{
		Use:   "apply -f FILE",
		Short: "Make accounts, users, roles and policies match a file",
		Long: `Make the accounts, users, roles, policies and OIDC providers of a server match a file
(docs/identities.md). Objects that already match stay unchanged, so the same file can
be applied again and again. With --dry-run, the command only shows what it would
change. With --prune, it also removes identities that the file does not declare, in the
accounts that the file mentions.

The credentials must belong to the deployment's account, and have the permission of each
request (docs/identities.md). The server makes the secrets of new access keys; they are
shown here and never again.`,
		Example: "  keyhold apply -f identities.toml --dry-run",
		Args:    exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if o.file == "" {
				return usageError{errors.New("keyhold apply needs -f FILE: a file of declarations (docs/identities.md)")}
			}
			if err := o.output.check(c); err != nil {
				return err
			}
			return runApply(c.Context(), client, o, c.ErrOrStderr())
		},
	}
	client.ownFlags(c)
	c.Flags().StringVarP(&o.file, "file", "f", "", "file of declarations, TOML")
	c.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change, and change nothing")
	c.Flags().BoolVar(&o.prune, "prune", false,
		"also remove users, roles, policies and providers that the file does not declare")
	o.output.flag(c)
	return c
}

func runApply(ctx context.Context, client clientOptions, o applyOptions, to io.Writer) error {
	f, err := readDeclarations(o.file)
	if err != nil {
		return err
	}
	server, err := client.connect(ctx, printer{to})
	if err != nil {
		return err
	}
	a := &applyRun{server: server, applyOptions: o, progress: to, items: itemsOf(f)}
	// The server checks the whole file before anything is changed.
	if err := a.plan(ctx); err != nil {
		return err
	}
	if err := a.findSurplus(ctx); err != nil {
		return err
	}
	if a.show(); o.dryRun {
		return nil
	}
	return errors.Join(a.change(ctx), a.print())
}

// readDeclarations reads a file that declares identities. It refuses declarations that only a
// dev server accepts.
func readDeclarations(name string) (seed.File, error) {
	f, err := seed.Read(name, seed.Defaults{Account: "000000000000", Region: "us-east-1"})
	if err != nil {
		return f, usageError{err}
	}
	for _, k := range f.Keys {
		return f, usageError{k.Errorf("id", "keyhold apply does not make keys: only keyhold dev --seed does; "+
			"make this key with aws kms create-key, or keyhold import --create")}
	}
	for _, u := range f.Users {
		for _, k := range u.Keys {
			return f, usageError{k.Errorf("secret", "keyhold apply does not set access keys: "+
				"only keyhold dev --seed does; "+
				"write access_keys = 1 for the user, and the server makes an access key")}
		}
	}
	if err := service.CheckDocuments(f); err != nil {
		return f, usageError{err}
	}
	return f, nil
}
