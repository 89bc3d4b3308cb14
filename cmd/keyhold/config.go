package main

import "github.com/spf13/cobra"

// standardConfig is the settings file of an installed server.
const standardConfig = "/etc/keyhold/keyhold.toml"

func configCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Check and explain the settings of a server",
		Long: `Check and explain the settings of a server. A flag of keyhold serve takes precedence over
the environment, the environment over the settings file, and the file over the default.
The variable of --audit-keep is KEYHOLD_AUDIT_KEEP, and so on (docs/configuration.md).`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(configCheckCommand(), configExplainCommand(), configExampleCommand())
	return c
}
