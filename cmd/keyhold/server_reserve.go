package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

// defaultReserve is the reserved disk space in MiB. It is enough for some thousands of the operations
// that the server still accepts when the disk is full.
const defaultReserve = 16

// reserveFlag adds the flag of servers on a data folder.
func reserveFlag(c *cobra.Command, mib *int) {
	c.Flags().IntVar(mib, "disk-reserve", defaultReserve,
		"MiB of disk space reserved for revocations and erasures on a full disk; at most an eighth of the volume")
}

func checkReserve(mib int) error {
	if mib < 1 || mib > 1<<20 {
		return usageError{fmt.Errorf("--disk-reserve: %d MiB is not between 1 and %d", mib, 1<<20)}
	}
	return nil
}
