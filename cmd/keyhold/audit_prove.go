package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/durable"
)

func auditProveCommand() *cobra.Command {
	var o logOptions
	var file string
	c := &cobra.Command{
		Use:   "prove EVENTID (--data DIR | --log FILE)",
		Short: "Prove that an event is in a log",
		Long: `Print a proof that a line is in the log: the hashes that lead from the line to the last
checkpoint, and this checkpoint with its signature, as text (C2SP tlog-proof). --line makes a
file of the line itself, byte by byte. With the line, the proof and the public key of the
log, anybody can verify the proof without Keyhold (docs/audit-log.md).

An event after the last checkpoint has no proof yet: a server signs a checkpoint each
minute.`,
		Example: `  keyhold audit prove 0199f0e4-7b1c-7d0e-9a56-1b2c3d4e5f60 --data /var/lib/keyhold \
    --line event.json > event.tlog-proof`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			paths, err := o.paths("keyhold audit prove")
			if err == nil && len(paths) > 1 {
				err = usageError{errors.New("keyhold audit prove reads one log: give --data or --log")}
			}
			if err != nil {
				return err
			}
			return runAuditProve(c.Context(), paths[0], args[0], file, c.OutOrStdout())
		},
	}
	o.flags(c)
	c.Flags().StringVar(&file, "line", "", "file to make of the line, without a newline")
	return c
}

func runAuditProve(ctx context.Context, path, eventID, file string, out io.Writer) error {
	f, err := audit.OpenFolder(path)
	if err != nil {
		return err
	}
	line, proof, err := f.Prove(ctx, eventID)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: the log has no checkpoint, or lacks hashes; a server of this version makes them", err)
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	}
	if file != "" {
		if err := durable.CreateFile(file, line); err != nil {
			return fmt.Errorf("--line: %w", err)
		}
	}
	return writeData(out, []byte(proof))
}
