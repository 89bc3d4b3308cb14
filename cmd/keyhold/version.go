package main

import (
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/fips"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version and the commit of the program, and the Go that built it",
		Args:  exactly(0),
		RunE: func(c *cobra.Command, _ []string) error {
			info, ok := debug.ReadBuildInfo()
			if !ok {
				return fmt.Errorf("this binary was built without its version")
			}
			for line := range strings.Lines(describeVersion(info)) {
				if err := printf(c.OutOrStdout(), "%s\n", strings.TrimSuffix(line, "\n")); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// addVersionFlag adds --version, which prints the same as keyhold version.
func addVersionFlag(root *cobra.Command) {
	if info, ok := debug.ReadBuildInfo(); ok {
		root.Version = describeVersion(info)
		root.SetVersionTemplate("{{.Version}}")
	}
}

// describeVersion describes the program in lines: its version and Go, its commit, and its FIPS 140-3 module.
func describeVersion(info *debug.BuildInfo) string {
	var p page
	p.printf("keyhold %s %s\n", info.Main.Version, info.GoVersion)
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if commit := settings["vcs.revision"]; commit != "" {
		changed := ""
		if settings["vcs.modified"] == "true" {
			changed = ", with changes"
		}
		p.printf("commit %s of %s%s\n", commit, settings["vcs.time"], changed)
	}
	if module := fips.Module(); module != "" {
		p.printf("Go's FIPS 140-3 module %s\n", module)
	}
	return p.b.String()
}

// programVersion returns the version of the program, or "" if the binary was built without it.
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}
