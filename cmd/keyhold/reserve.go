package main

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/space"
)

// defaultReserve is the disk space in MiB that a server keeps in reserve: some thousands
// of the operations that go on when the disk is full.
const defaultReserve = 16

// mostReserve is the part of a volume that the reserve takes at most: one of so many.
const mostReserve = 8

// reserveFlag is the flag of the servers that run on a data folder.
func reserveFlag(c *cobra.Command, mib *int) {
	c.Flags().IntVar(mib, "disk-reserve", defaultReserve, "MiB of disk space that are kept for revocations and erasures when the disk is full; an eighth of the volume at most")
}

func checkReserve(mib int) error {
	if mib < 1 || mib > 1<<20 {
		return usageError{fmt.Errorf("--disk-reserve: %d MiB is not between 1 and %d", mib, 1<<20)}
	}
	return nil
}

// keep has the files of a data folder keep space in reserve, half of it the database and
// half of it the audit log, until d is closed.
func (d *deployment) keep(data string, mib int, log *slog.Logger) error {
	store, ok1 := d.backend.(space.Holder)
	slots, ok2 := d.slots.(space.Holder)
	if !ok1 || !ok2 {
		return errors.New("these files hold no space in reserve")
	}
	size, err := space.Size(data)
	if err != nil {
		return err
	}
	d.keeper = space.Keep(log, min(int64(mib)<<20, size/mostReserve)/2, store, d.audit, slots)
	return nil
}
