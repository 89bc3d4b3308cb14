package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

func nodeCommand() *cobra.Command {
	var p place
	c := &cobra.Command{
		Use:   "node",
		Short: "List, drain and remove the nodes of a deployment on a shared store",
		Long: `List, drain and remove the nodes that share a store (docs/cluster.md). The commands
read and write the store, so they need the root key file, and no server.`,
		Args: noCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().StringVar(&p.store, "store", "", "URL of the shared store: "+sharedHelp)
	p.rootOptions.flags(c.PersistentFlags(), " of the deployment")
	c.PersistentPreRunE = func(*cobra.Command, []string) error {
		if !host.IsShared(p.store) || !p.given() {
			return usageError{errors.New("keyhold node needs --store URL and --root-key-file FILE")}
		}
		return p.rootOptions.complete("")
	}
	c.AddCommand(nodeListCommand(&p), nodeDrainCommand(&p), nodeRemoveCommand(&p))
	return c
}

// withStore runs fn on the records of a deployment that nodes may be using.
func (p place) withStore(ctx context.Context, fn func(*store.Store) error) (err error) {
	if err := harden(); err != nil {
		return err
	}
	root, err := p.openRoot()
	if err != nil {
		return p.explain(err)
	}
	opened, err := host.ReadStore(ctx, p.store)
	defer func() { err = errors.Join(err, opened.Close()) }()
	if err != nil {
		return p.explain(err)
	}
	keyring, err := records.OpenKeyring(ctx, opened.Backend, root, false)
	if err != nil {
		return p.explain(err)
	}
	return fn(store.NewShared(opened.Backend, keyring.Records()))
}
