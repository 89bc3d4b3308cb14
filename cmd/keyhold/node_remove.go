package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/store"
)

func nodeRemoveCommand(p *place) *cobra.Command {
	var log string
	var lose bool
	c := &cobra.Command{
		Use:   "remove NODE (--log FILE | --lose-log)",
		Short: "Forget a node that is stopped or dead",
		Long: `Forget a node that is stopped or dead, and will not start again. Another node takes over the
rest of its events, and writes an event RemoveNode.

The audit log of a node is in its data folder, and nowhere else: it alone has the events of
requests that changed nothing. Copy it first, and give the copy with --log. The command checks
that the copy is whole, up to the last event that the node reported to the others. If the log or
a part of it is lost, give --lose-log: the event then records the loss.`,
		Example: "  keyhold node remove 5XGAWTLB3S224534 --log collected/audit.log " +
			"--store etcd://etcd1:2379/keyhold --root-key-file /etc/keyhold/root.key",
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			if (log == "") != lose {
				return usageError{errors.New(
					"keyhold node remove needs the copy of the node's audit log: give --log FILE, or --lose-log")}
			}
			var logs copiedLogs
			var collected *io.SectionReader
			if !lose {
				var err error
				if collected, err = logs.open(log); err != nil {
					return fmt.Errorf("--log: %w", err)
				}
			}
			err := p.withStore(c.Context(), func(s *store.Store) error {
				return nodes.Remove(c.Context(), s, args[0], collected)
			})
			if errors.Is(err, nodes.ErrLogMissing) {
				err = fmt.Errorf("%w. Copy the whole log from the data folder of the node. If parts of it are lost, keep what "+
					"there is, and give --lose-log", err)
			}
			return errors.Join(err, logs.close())
		},
	}
	c.Flags().StringVar(&log, "log", "", "copy of the audit log of the node")
	c.Flags().BoolVar(&lose, "lose-log", false, "accept that the audit log, or a part of it, is lost")
	return c
}
