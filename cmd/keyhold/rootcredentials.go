package main

import "github.com/spf13/cobra"

func rootCredentialsCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "root-credentials",
		Short: "Replace lost credentials of the root of the deployment's account",
		Args:  noCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(rootCredentialsResetCommand())
	return c
}
