package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/durable"
)

func auditProveCommand() *cobra.Command {
	var o logSource
	var file string
	c := &cobra.Command{
		Use:   "prove EVENTID [--data DIR | --log FILE]",
		Short: "Prove that an event is in a log",
		Long: `Print a proof that a line is in the log: the hashes that lead from the line to the last
checkpoint, and this checkpoint with its signature, as text (C2SP tlog-proof). --line makes a
file of the line itself, byte by byte. With the line, the proof and the public key of the
log, anybody can verify the proof without Keyhold (docs/audit-log.md).

An event after the last checkpoint has no proof yet: a server signs a checkpoint each
minute. Without --data and --log, a server makes the proof. The credentials must belong to
the deployment's account, and have the permission keyhold:ProveEvent.`,
		Example: `  keyhold audit prove 0199f0e4-7b1c-7d0e-9a56-1b2c3d4e5f60 --data /var/lib/keyhold \
    --line event.json > event.tlog-proof`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			line, proof, err := o.prove(c.Context(), args[0], printer{c.ErrOrStderr()})
			if err == nil && file != "" {
				if err = durable.CreateFile(file, line); err != nil {
					err = fmt.Errorf("--line: %w", err)
				}
			}
			if err != nil {
				return err
			}
			return writeData(c.OutOrStdout(), []byte(proof))
		},
	}
	o.flags(c)
	c.Flags().StringVar(&file, "line", "", "file to make of the line, without a newline")
	return c
}

// prove returns the line of an event and its proof.
func (o *logSource) prove(
	ctx context.Context, eventID string, progress printer,
) (line []byte, proof string, err error) {
	if err := o.check(); err != nil {
		return nil, "", err
	}
	if o.asksServer() {
		at, err := o.client.connect(ctx, progress)
		if err != nil {
			return nil, "", err
		}
		return at.proveEvent(ctx, eventID)
	}
	path, err := o.only("keyhold audit prove")
	if err != nil {
		return nil, "", err
	}
	return proveFromFile(ctx, path, eventID)
}

func proveFromFile(ctx context.Context, path, eventID string) (line []byte, proof string, err error) {
	f, err := audit.OpenFolder(path)
	if err != nil {
		return nil, "", err
	}
	line, proof, err = f.Prove(ctx, eventID)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = fmt.Errorf("%w: the log has no checkpoint, or lacks hashes; a server of this version makes them", err)
	case err != nil:
		err = fmt.Errorf("%s: %w", path, err)
	}
	return line, proof, err
}
