package main

import (
	"github.com/spf13/cobra"
)

func sealCommand() *cobra.Command {
	var client clientOptions
	c := &cobra.Command{
		Use:   "seal",
		Short: "Show and change where the root key is, and replace root and data keys",
		Long: `Show and change the custody of the root key, and replace the root key and the data keys
under which all records are sealed (docs/custody.md), while the server runs.`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	client.ownFlags(c)
	c.AddCommand(sealStatusCommand(&client), sealMigrateCommand(&client), sealRotateCommand(&client), sealMakeCommand())
	return c
}
