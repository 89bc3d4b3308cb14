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
		Short: "Let a node get no more requests, before you stop it",
		Long: `Let a node get no more requests: it says that it is not ready, so that a load balancer sends
its requests to other nodes, and it still answers the requests that it gets. Stop the
node afterwards. The next start of the node ends the draining.`,
		Args: exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withStore(c.Context(), func(s *store.Store) error {
				return nodes.Drain(c.Context(), s, args[0], !undo)
			})
		},
	}
	c.Flags().BoolVar(&undo, "undo", false, "let the node get requests again")
	return c
}
