package main

import "github.com/spf13/cobra"

func storeCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "store",
		Short: "Move a deployment to another store",
		Args:  noCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(storeCopyCommand())
	return c
}
