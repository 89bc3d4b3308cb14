package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// defaultReserve is the disk space in MiB that a server keeps in reserve: some thousands
// of the operations that go on when the disk is full.
const defaultReserve = 16

// reserveFlag is the flag of the servers that run on a data folder.
func reserveFlag(c *cobra.Command, mib *int) {
	c.Flags().IntVar(mib, "disk-reserve", defaultReserve, "MiB of disk space reserved for revocations and erasures on a full disk; at most an eighth of the volume")
}

func checkReserve(mib int) error {
	if mib < 1 || mib > 1<<20 {
		return usageError{fmt.Errorf("--disk-reserve: %d MiB is not between 1 and %d", mib, 1<<20)}
	}
	return nil
}
