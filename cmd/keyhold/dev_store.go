package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/keyhold/keyhold/internal/host"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seed"
	"github.com/keyhold/keyhold/internal/service"
)

// complete checks the flags of the place, and gives the others their defaults.
func (o *devOptions) complete() error {
	if o.store != "" && !host.IsShared(o.store) {
		if err := o.storeInFolder("keyhold dev"); err != nil {
			return err
		}
	}
	if err := o.auditSync.check(); err != nil {
		return err
	}
	switch {
	case o.data == "" && o.shared():
		return usageError{errors.New("keyhold dev needs --data DIR with --store: the folder of this node")}
	case o.data == "" && o.keyFile != "":
		return usageError{errors.New("--root-key-file is for a server with --data: data in memory has no root key file")}
	}
	return o.rootOptions.complete(devRootKey(o.data))
}

// devRootKey returns the path of a dev server's root key. The root key is in the data folder, which is
// safe enough on a laptop.
func devRootKey(data string) string { return filepath.Join(data, "root.key") }

// openDev opens the store. If it is empty, openDev makes the folder and the root key first. Without a folder, the data
// is in memory.
func (o *devOptions) openDev(ctx context.Context, fail func(error), log *slog.Logger) (d host.Deployment, err error) {
	if o.data == "" {
		return host.InMemory(fail), nil
	}
	if err := o.makeRootKey(ctx); err != nil {
		return d, err
	}
	if d, err = o.open(ctx, log, fail); err != nil {
		return d, err
	}
	o.auditSync.apply(d)
	return d, d.HoldReserve(o.data, defaultReserve<<20, log)
}

// makeRootKey makes the folder and the root key of a store that is empty.
func (o *devOptions) makeRootKey(ctx context.Context) error {
	empty := !host.HasDatabase(o.data)
	if o.shared() {
		s, err := host.OpenStore(ctx, o.store, func(error) {})
		if err == nil {
			empty, err = records.IsEmpty(ctx, s.Backend)
		}
		if err := errors.Join(err, s.Close()); err != nil {
			return err
		}
	}
	if !empty {
		return nil
	}
	if err := os.MkdirAll(o.data, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	err := o.makeRoot()
	if errors.Is(err, os.ErrExist) {
		o.awaitRoot(2 * time.Second)
		return nil
	}
	return err
}

// awaitRoot opens a root key file that exists. Another server of a shared store that starts at the same moment may have
// created the file and not yet written it. If the file stays unreadable, the start reports why.
func (o *devOptions) awaitRoot(patience time.Duration) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if root, err := o.openRoot(); err == nil {
			o.made = root
			return
		}
	}
}

// fill makes the keys of a seed file, unless a server for production made the store.
func (o devOptions) fill(ctx context.Context, s *service.Service, declared seed.File, log *slog.Logger) error {
	if err := o.checkStore(ctx, s); err != nil {
		return err
	}
	return applySeed(ctx, s, declared, log)
}

// checkStore rejects the store of a server for production.
func (o devOptions) checkStore(ctx context.Context, s *service.Service) error {
	account, err := s.Account(ctx)
	switch {
	case err != nil || account == "":
		return err
	case o.shared():
		return fmt.Errorf(
			"%s has a deployment for production: use keyhold serve, or give another %s in --store", o.store,
			host.PartName(o.store))
	}
	return fmt.Errorf(
		"%s is the data folder of a server for production: use keyhold serve, or give another folder with --data", o.data)
}
