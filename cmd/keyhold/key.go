package main

import "github.com/spf13/cobra"

func keyCommand() *cobra.Command {
	var client clientOptions
	c := &cobra.Command{
		Use:   "key",
		Short: "Administer keys in ways that the KMS API does not have",
		Args:  noCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	client.ownFlags(c)
	c.AddCommand(keyRecreateCommand(&client))
	return c
}
