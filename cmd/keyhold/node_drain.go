package main

import (
	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/store"
)

func nodeDrainCommand(p *place) *cobra.Command {
	var undo bool
	c := &cobra.Command{
		Use:   "drain NODE",
		Short: "Mark a node as not ready, before you stop it",
		Long: `Mark a node as draining before you stop it. The node is not ready any more, and still
answers the requests that it gets. The next start of the node ends the draining.`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), func(s *store.Store) error {
				return nodes.Drain(c.Context(), s, args[0], !undo)
			})
		},
	}
	c.Flags().BoolVar(&undo, "undo", false, "the node is ready again")
	return c
}
