package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/fips"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of the program and of the Go that built it",
		Args:  exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return fmt.Errorf("this binary was built without its version")
			}
			printf(c.OutOrStdout(), "keyhold %s %s\n", info.Main.Version, info.GoVersion)
			if module := fips.Module(); module != "" {
				printf(c.OutOrStdout(), "Go's FIPS 140-3 module %s\n", module)
			}
			return nil
		},
	}
}

// programVersion returns the version of the program, or "" if the binary was built without it.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}
