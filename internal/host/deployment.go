package host

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"time"

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

// mostReserve limits the reserve to this fraction of a volume: one part in mostReserve.
const mostReserve = 8

// AuditName is the name of the audit log in a data folder.
const AuditName = "audit.log"

// A Deployment has the parts that a server needs, in memory or in a folder.
type Deployment struct {
	Backend store.Backend
	slots   store.Slots
	Root    seal.Root
	audit   *audit.Log
	fail    func(error)
	keeper  *space.Keeper // nil until HoldReserve
	probe   func() error  // nil until HoldReserve

	// Of a node that shares the Backend with others.
	node  string   // its ID
	lock  *os.File // the file of its ID
	beats *beats
}

// InMemory returns a Deployment in memory, which is lost when the process ends. It calls fail
// when the Deployment can no longer keep its promises, so the server must stop.
func InMemory(fail func(error)) Deployment {
	return Deployment{
		Backend: memory.New(),
		slots:   memory.NewSlots(),
		Root:    seal.NewEphemeralRoot(),
		audit:   audit.New(audit.Discard{}, audit.Options{Failed: fail}),
		fail:    fail,
	}
}

// OpenFolder opens a data folder, and its root key with openRoot. It calls fail as InMemory does. The caller
// must close the Deployment, even after an error.
func OpenFolder(data string, openRoot func() (seal.Root, error), fail func(error)) (d Deployment, err error) {
	d.fail = fail
	if err := CheckFolder(data); err != nil {
		return d, err
	}
	if d.Root, err = openRoot(); err != nil {
		return d, err
	}
	s, err := OpenStore(context.Background(), data, fail)
	d.Backend, d.slots = s.Backend, s.Slots
	if err != nil {
		return d, err
	}
	d.audit, err = audit.Open(filepath.Join(data, AuditName), audit.Options{Failed: fail})
	return d, err
}

// CheckFolder refuses a data folder that other users may change.
func CheckFolder(data string) error {
	var files []string
	for _, name := range []string{local.FileName, local.SlotsName, AuditName} {
		files = append(files, filepath.Join(data, name))
	}
	return guarded.CheckFolder(data, files...)
}

// as returns v as the interface I. With an error it returns nil, not an interface around a
// nil pointer.
func as[I any, T any](v T, err error) (i I, _ error) {
	if err != nil {
		return i, err
	}
	return any(v).(I), nil
}

// Config returns the Config of a service of the deployment, with wall time and the network of
// OIDC providers.
func (d Deployment) Config() service.Config {
	c := service.Config{
		Backend: d.Backend, Slots: d.slots, Root: d.Root, Audit: d.audit, Fenced: d.fail,
		Clock: service.NewClock(time.Now), WebIdentity: webidentity.New(webidentity.Transport, time.Now),
	}
	if c.Node, c.Shared = d.node, d.node != ""; c.Shared {
		c.NodeMemory = d.beats
	}
	if d.keeper != nil {
		c.Full, c.Probe = d.keeper.Full, d.probe
	}
	return c
}

// Close closes the Deployment and its service, which may be nil. It closes the audit log first,
// so that the service learns of all events that the log has on disk.
func (d Deployment) Close(s *service.Service) error {
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
	if d.Backend != nil {
		errs = append(errs, d.Backend.Close())
	}
	if d.beats != nil {
		errs = append(errs, d.beats.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	return errors.Join(errs...)
}

// SyncAlways makes every request wait until its event is on the disk.
func (d *Deployment) SyncAlways() { d.audit.SyncAlways() }

// HasDatabase reports whether a folder contains a database.
func HasDatabase(data string) bool {
	_, err := os.Stat(filepath.Join(data, local.FileName))
	return err == nil
}

// HoldReserve keeps disk space in reserve in the files of a data folder until d is closed: half
// of it in the database and half in the audit log. A node has only the audit log in its folder.
func (d *Deployment) HoldReserve(data string, bytes int64, log *slog.Logger) error {
	size, err := space.Size(data)
	if err != nil {
		return err
	}
	holders := []space.Holder{d.audit}
	if d.node == "" {
		store, ok1 := d.Backend.(space.Holder)
		slots, ok2 := d.slots.(space.Holder)
		if !ok1 || !ok2 {
			return errors.New("these files hold no space in reserve")
		}
		holders = []space.Holder{store, d.audit, slots}
	}
	d.probe = func() error { return space.Probe(data) }
	d.keeper = space.Keep(log, min(bytes, size/mostReserve)/2, holders...)
	return nil
}
