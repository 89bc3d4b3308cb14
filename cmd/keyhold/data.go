package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/service"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
	"github.com/keyhold/keyhold/internal/store/local"
	"github.com/keyhold/keyhold/internal/store/memory"
)

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

// config returns what the deployment gives to a service.
func (d deployment) config() service.Config {
	c := service.Config{Backend: d.backend, Slots: d.slots, Root: d.root, Audit: d.audit}
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

// explainOpen adds the remedy to what can go wrong with a data folder.
// madeByDev reports whether keyhold dev made a data folder.
func madeByDev(data string) bool {
	_, err := os.Stat(devRootKey(data))
	return err == nil && databaseIn(data)
}

func explainOpen(err error, data, rootKeyFile string) error {
	switch {
	case errors.Is(err, store.ErrInUse):
		return fmt.Errorf("the data folder %s is in use by another process: stop it first, or give another folder with --data", data)
	case errors.Is(err, seal.ErrWrongRoot):
		return fmt.Errorf("%s does not open the data in %s: %w; give the key file that the folder was made with; if it is that one, the keyring in keyhold.db is corrupt: put the folder back from a copy", rootKeyFile, data, err)
	case errors.Is(err, os.ErrNotExist) && rootKeyFile == devRootKey(data):
		return fmt.Errorf("%w; put back the root.key that the folder was made with. If keyhold init made the folder, use keyhold serve, or give another folder with --data", err)
	case (errors.Is(err, os.ErrNotExist) || errors.Is(err, records.ErrNotInitialised)) && madeByDev(data):
		return fmt.Errorf("%s is the data folder of a dev server: use keyhold dev, or make another folder with keyhold init --data DIR", data)
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w; give the key file that the folder was made with", err)
	case errors.Is(err, records.ErrNotInitialised):
		return fmt.Errorf("%w: make one with keyhold init --data %s", err, data)
	case errors.Is(err, audit.ErrUnreadable), errors.Is(err, journal.ErrNoRevision):
		return fmt.Errorf("%w; whether the store is older than its log cannot be told: keyhold verify shows what is damaged. Put back the newest sound copy of all of %s. If you are certain that the store is current, move %s away first", err, data, filepath.Join(data, auditName))
	case errors.Is(err, records.ErrNewerFormat), errors.Is(err, local.ErrFormat):
		return fmt.Errorf("%s: %w. Run that version; this one has changed nothing", data, err)
	case errors.Is(err, space.ErrFull):
		return fmt.Errorf("%w; free or add space on the volume of %s, and start again", err, data)
	case errors.Is(err, journal.ErrOlderStore):
		return fmt.Errorf("%w; it was put back from an older copy. Put back the newest copy of all of %s. If the older state is what you want, move %s away first: changes made after it are lost", err, data, filepath.Join(data, auditName))
	}
	return err
}
