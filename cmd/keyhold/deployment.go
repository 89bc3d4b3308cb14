package main

import (
	"log/slog"
	"time"

	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/local"
	"github.com/keyhold/keyhold/internal/store/memory"
	"github.com/keyhold/keyhold/internal/webidentity"
)

// mostReserve is the part of a volume that the reserve takes at most: one of so many.
const mostReserve = 8

// auditName is the file of the audit log in a data folder.
const auditName = "audit.log"

// A deployment is what a server stands on, in memory or in a folder.
type deployment struct {
	backend store.Backend
	slots   store.Slots
	root    seal.Root
	audit   *audit.Log
	keeper  *space.Keeper // nil until keep
}

// inMemory returns a deployment that is gone when the process ends. fail is
// called when what was promised can no longer be kept, and the server has to
// stop.
func inMemory(fail func(error)) deployment {
	return deployment{
		backend: memory.New(),
		slots:   memory.NewSlots(),
		root:    seal.NewEphemeralRoot(),
		audit:   audit.New(audit.Discard{}, audit.Options{Failed: fail}),
	}
}

// openData opens a data folder with its root key; fail is that of inMemory. What
// it returns is to be closed, also beside an error.
func openData(data, rootKeyFile string, fail func(error)) (d deployment, err error) {
	if err := checkFolder(data); err != nil {
		return d, err
	}
	if d.root, err = seal.OpenKeyFile(rootKeyFile); err != nil {
		return d, err
	}
	if _, err := os.Stat(filepath.Join(data, local.SlotsName)); databaseIn(data) && errors.Is(err, os.ErrNotExist) {
		return d, fmt.Errorf("%s has a database but no file %s, without which its key material does not open: put back the newest copy of all of the folder", data, local.SlotsName)
	}
	if d.backend, err = opened[store.Backend](local.Open(data, local.Options{Failed: fail})); err != nil {
		return d, err
	}
	if d.slots, err = opened[store.Slots](local.OpenSlots(data, fail)); err != nil {
		return d, err
	}
	d.audit, err = audit.Open(filepath.Join(data, auditName), audit.Options{Failed: fail})
	return d, err
}

// checkFolder refuses a data folder that others may change.
func checkFolder(data string) error {
	var files []string
	for _, name := range []string{local.FileName, local.SlotsName, auditName} {
		files = append(files, filepath.Join(data, name))
	}
	return guarded.CheckFolder(data, files...)
}

// opened returns what was opened as the interface I: nil, and not an interface
// around a nil pointer, if it was not.
func opened[I any, T any](v T, err error) (i I, _ error) {
	if err != nil {
		return i, err
	}
	return any(v).(I), nil
}

// config returns the Config of a service of the deployment: it lives by wall time, and asks
// OIDC providers for their keys.
func (d deployment) config() service.Config {
	c := service.Config{
		Backend: d.backend, Slots: d.slots, Root: d.root, Audit: d.audit,
		Clock: service.NewClock(time.Now), WebIdentity: webidentity.New(webidentity.Transport, time.Now),
	}
	if d.keeper != nil {
		c.Full = d.keeper.Full
	}
	return c
}

// close closes what was opened, the log first: so the service, which may be nil,
// learns of all that the log has on disk.
func (d deployment) close(s *service.Service) error {
	var errs []error
	if d.keeper != nil {
		d.keeper.Close()
	}
	if d.audit != nil {
		errs = append(errs, d.audit.Close())
	}
	if s != nil {
		errs = append(errs, s.Close())
	}
	if d.slots != nil {
		errs = append(errs, d.slots.Close())
	}
	if d.backend != nil {
		errs = append(errs, d.backend.Close())
	}
	return errors.Join(errs...)
}

// databaseIn tells whether a folder holds a database.
func databaseIn(data string) bool {
	_, err := os.Stat(filepath.Join(data, local.FileName))
	return err == nil
}

// holdReserve has the files of a data folder hold disk space in reserve, half of it the
// database and half of it the audit log, until d is closed.
func (d *deployment) holdReserve(data string, bytes int64, log *slog.Logger) error {
	store, ok1 := d.backend.(space.Holder)
	slots, ok2 := d.slots.(space.Holder)
	if !ok1 || !ok2 {
		return errors.New("these files hold no space in reserve")
	}
	size, err := space.Size(data)
	if err != nil {
		return err
	}
	d.keeper = space.Keep(log, min(bytes, size/mostReserve)/2, store, d.audit, slots)
	return nil
}
