package main

import (
	"fmt"
	"os"
	"runtime/pprof"

	"github.com/spf13/cobra"
)

// profileFlag adds a hidden flag for the developers of this program (make profile).
func profileFlag(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "cpu-profile", "", "file to write a CPU profile of the whole run to")
	c.Flags().MarkHidden("cpu-profile")
}

// profile writes a CPU profile until stop is called. Without a path it does nothing.
func profile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err == nil {
		err = pprof.StartCPUProfile(f)
	}
	if err != nil {
		return nil, fmt.Errorf("--cpu-profile: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
