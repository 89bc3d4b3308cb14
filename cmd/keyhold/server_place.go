package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/nodes"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// A place is where a deployment is, and its root key. The store is in the data folder, or shared with other nodes: then
// the data folder belongs to this node.
type place struct {
	store, data string
	rootOptions
}

// storeHelp is the help of a flag that takes the place of a store.
const storeHelp = "data folder, or the URL of a shared store: " + sharedHelp

// sharedHelp shows the URLs of shared stores.
const sharedHelp = "etcd://HOST:PORT,HOST:PORT/PREFIX or postgres://HOST/DATABASE?user=ROLE"

// flags adds the flags of commands that open a deployment.
func (p *place) flags(c *cobra.Command) {
	c.Flags().StringVar(&p.data, "data", "", "data folder; with a shared store, the folder of this node")
	c.Flags().StringVar(&p.store, "store", "", storeHelp+" (default: the folder of --data)")
	p.rootOptions.flags(c.Flags(), " (default: the name of the data folder, followed by .root-key)")
	c.PreRunE = func(*cobra.Command, []string) error { return p.complete(c.CommandPath()) }
}

// complete checks the flags, and gives the others their defaults.
func (p *place) complete(command string) error {
	if p.store != "" && !host.IsShared(p.store) {
		if err := p.storeInFolder(command); err != nil {
			return err
		}
	}
	if p.data == "" {
		return usageError{fmt.Errorf("%s needs --data DIR", command)}
	}
	return p.rootOptions.complete(initRootKey(p.data))
}

// storeInFolder makes --store DIR mean the same as --data DIR.
func (p *place) storeInFolder(command string) error {
	if p.data != "" && filepath.Clean(p.data) != filepath.Clean(p.store) {
		return usageError{fmt.Errorf(
			"%s: a store in a folder has everything in this folder: give --store or --data", command)}
	}
	p.data, p.store = p.store, ""
	return nil
}

// shared reports whether several nodes share the store.
func (p place) shared() bool { return p.store != "" }

// name returns what the store is called in messages.
func (p place) name() string {
	if p.shared() {
		return p.store
	}
	return p.data
}

// kind returns the noun for the store.
func (p place) kind() string {
	if p.shared() {
		return "cluster"
	}
	return "folder"
}

// flagsForShell returns the flags that name the place in another command.
func (p place) flagsForShell() string {
	flags := fmt.Sprintf("--data %s%s", guarded.Shell(p.data), rootFlag(p.root))
	if p.shared() {
		flags = fmt.Sprintf("--store %s %s", guarded.Shell(p.store), flags)
	}
	return flags
}

// open opens the deployment, and proves the custody of its root key.
func (p place) open(ctx context.Context, log *slog.Logger, fail func(error)) (host.Deployment, error) {
	root := func() (seal.Root, error) { return p.openProved(ctx) }
	if p.shared() {
		return host.OpenNode(ctx, p.store, p.data, root, log, fail)
	}
	return host.OpenFolder(p.data, root, fail)
}

// explain adds the remedy to an error from opening the deployment.
func (p place) explain(err error) error {
	if !p.shared() {
		return explainOpen(err, p.data, p.root)
	}
	switch {
	case errors.Is(err, store.ErrInUse):
		return fmt.Errorf("the folder %s is in use by another process: each node needs a folder of its own: give another "+
			"one with --data", p.data)
	case errors.Is(err, host.ErrOtherFolder):
		return fmt.Errorf("%w: give an empty or missing folder with --data", err)
	case errors.Is(err, records.ErrUnfinishedCopy):
		return fmt.Errorf("%s: %w: run the same keyhold store copy again to continue", p.store, err)
	case errors.Is(err, seal.ErrWrongRoot):
		return fmt.Errorf("the root key in %s does not open the data in %s: %w; give %s of the deployment, or another "+
			"%s in --store", rootName(p.root), p.store, err,
			rootNoun(p.root, "a copy of the root key file", "a custody"), host.PartName(p.store))
	case errors.Is(err, os.ErrNotExist) && p.root.Kind == custody.KeyFileKind && isMissing(p.root.Argument):
		return fmt.Errorf("%w; give a copy of the root key file of the deployment with --root-key-file", err)
	case errors.Is(err, records.ErrNotInitialised):
		return fmt.Errorf("%w: check the hosts and the %s in --store, or make a deployment with %s init %s",
			err, host.PartName(p.store), self(), p.flagsForShell())
	case errors.Is(err, audit.ErrUnreadable), errors.Is(err, journal.ErrNoRevision):
		return fmt.Errorf("%w; Keyhold cannot check whether the store is older than the log of this node. To start the node "+
			"with a new log, move %s away, and keep it", err, p.data)
	case errors.Is(err, journal.ErrOlderStore), errors.Is(err, store.ErrRewound), errors.Is(err, nodes.ErrRewound):
		return fmt.Errorf("%w; the store was restored from an older copy, or lost changes when a standby took over, or "+
			"--data names the folder of a node of another store. To continue with the older state, move %s away first: "+
			"all later changes are lost", err, p.data)
	case errors.Is(err, records.ErrNewerFormat):
		return fmt.Errorf("%s: %w. Run that version; this version has changed nothing", p.store, err)
	}
	return err
}

// explainNoAccount returns the error of a store that a dev server made, or that keyhold init did not finish.
func (p place) explainNoAccount() error {
	if p.shared() {
		return fmt.Errorf("%s has the data of keyhold dev, or keyhold init did not finish: give another %s in --store",
			p.store, host.PartName(p.store))
	}
	return p.explain(records.ErrNotInitialised)
}

func isMissing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, os.ErrNotExist)
}
