package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/durable"
	"github.com/keyhold/keyhold/internal/recipients"
)

// identityOptions are the flags of keyhold recover identity.
type identityOptions struct{ out, kind string }

func recoverIdentityCommand() *cobra.Command {
	var o identityOptions
	c := &cobra.Command{
		Use:   "identity --out FILE",
		Short: "Make the identity of a custodian, with approved algorithms only",
		Long: `Make an identity of HPKE in a new file, and print its public half, the recipient. Give the
recipient to the person who makes shares or backups, and keep the file secret: anybody who
has it can open files that are sealed to its recipient. Identities of age and keys of SSH can
be used too, except with --fips (docs/recipients.md).`,
		Example: `  keyhold recover identity --out alice >> custodians.txt
  keyhold recover identity --kind p384 --out bob`,
		Args: exactly(0),
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.OutOrStdout()) },
	}
	c.Flags().StringVar(&o.out, "out", "", "new file for the identity")
	c.Flags().StringVar(&o.kind, "kind", recipients.Kinds()[0], "kind of the key: "+strings.Join(recipients.Kinds(), ", "))
	completeWords(c, "kind", recipients.Kinds()...)
	return c
}

func (o identityOptions) run(out io.Writer) error {
	if o.out == "" {
		return usageError{errors.New("keyhold recover identity needs --out FILE")}
	}
	if !slices.Contains(recipients.Kinds(), o.kind) {
		return usageError{fmt.Errorf("--kind %q is not a kind: give one of %s", o.kind,
			strings.Join(recipients.Kinds(), ", "))}
	}
	if err := errors.Join(checkNewFile(o.out), harden()); err != nil {
		return err
	}
	identity, r, err := recipients.Generate(o.kind)
	if err != nil {
		return err
	}
	defer clear(identity)
	if err := durable.CreateFile(o.out, identity); err != nil {
		return err
	}
	return printf(out, "%s\n", r.Text())
}
