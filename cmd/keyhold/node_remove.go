package main

import (
	"errors"
	"fmt"
	"os"

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
requests that changed nothing. Copy it first, and give the copy with --log. If the log is
lost, give --lose-log: the event says so.`,
		Example: "  keyhold node remove 5XGAWTLB3S224534 --log collected/audit.log " +
			"--store etcd://etcd1:2379/keyhold --root-key-file /etc/keyhold/root.key",
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			collected, err := collectedLog(log, lose)
			if err != nil {
				return err
			}
			err = p.withStore(c.Context(), func(s *store.Store) error {
				return nodes.Remove(c.Context(), s, args[0], collected)
			})
			if errors.Is(err, nodes.ErrLogMissing) {
				err = fmt.Errorf("%w. Copy the whole log, or give --lose-log if it is lost", err)
			}
			return err
		},
	}
	c.Flags().StringVar(&log, "log", "", "copy of the audit log of the node")
	c.Flags().BoolVar(&lose, "lose-log", false, "there is no copy of the audit log, and there will be none")
	return c
}

// collectedLog describes the copy of an audit log.
func collectedLog(log string, lose bool) (nodes.Collected, error) {
	if (log == "") != lose {
		return nodes.Collected{}, usageError{errors.New(
			"keyhold node remove needs the copy of the node's audit log: give --log FILE, or --lose-log")}
	}
	if lose {
		return nodes.Collected{Lose: true}, nil
	}
	info, err := os.Stat(log)
	if err != nil {
		return nodes.Collected{}, fmt.Errorf("--log: %w", err)
	}
	return nodes.Collected{Bytes: info.Size()}, nil
}
