package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/seal"
)

func sealMakeCommand() *cobra.Command {
	var fips fipsOption
	c := &cobra.Command{
		Use:   "make CUSTODY",
		Short: "Make a custody for keyhold seal migrate, such as a new root key file",
		Long: `Make a custody on this machine, such as a new root key file, for keyhold seal migrate. The
server must be able to open it: the file must belong to the user of the server.`,
		Example: "  keyhold seal make key-file:/etc/keyhold/new.key",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			spec, err := custody.Parse(args[0])
			if err != nil {
				return usageError{err}
			}
			if err := fips.check(spec); err != nil {
				return err
			}
			root, err := spec.Create(askForSecret)
			if err != nil {
				return err
			}
			return printf(c.OutOrStdout(), "%s\n", root.ID())
		},
	}
	fips.flags(c)
	return c
}

// openCustody opens a custody that an administrator names while the server runs. The server cannot ask anybody, and its
// file descriptors are its own.
func openCustody(name string) (seal.Root, error) {
	spec, err := custody.Parse(name)
	if err != nil {
		return nil, err
	}
	if spec.NamesDescriptor() {
		return nil, errors.New("a server that runs has no file descriptor of its administrator: give a file or a credential")
	}
	root, err := spec.Open(nil)
	if err == nil {
		err = custody.Prove(context.Background(), root)
	}
	return root, err
}
