package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/custody"
	"github.com/keyhold/keyhold/internal/doctor"
	"github.com/keyhold/keyhold/internal/health"
	"github.com/keyhold/keyhold/internal/service"
)

// errNotLocked is the reason of a server whose memory is not locked.
var errNotLocked = errors.New(
	"the kernel may write keys to swap: set LimitMEMLOCK=infinity in the unit of systemd, or turn swap off")

// A watched server has the parts that checks and metrics look at.
type watched struct {
	service *service.Service
	data    string // folder
	custody *custody.Watch
	devices *devices
	expiry  *expiryOptions
	locked  bool // memory
	node    string
	// certificate returns the certificate of the server, or nil without TLS.
	certificate func() *x509.Certificate
}

// checks returns the checks of /readyz.
func (w watched) checks() *health.Checker {
	all := append(w.service.Checks(),
		health.Check{Name: "custody", Check: func(context.Context) error { return w.custody.State().Err }, Degrades: true},
		health.Check{Name: "memory-lock", Check: w.checkMemory, Degrades: true})
	if w.certificate() != nil {
		all = append(all, health.Check{Name: "certificate", Check: w.checkCertificate})
	}
	if f := w.devices.forwarder.Load(); f != nil {
		all = append(all, health.Check{
			Name: "audit-forward", Check: func(context.Context) error { return f.Failing() }, Degrades: true,
		})
	}
	if k := w.devices.keeper; k != nil {
		all = append(all, health.Check{Name: "audit-anchor", Check: k.Check, Degrades: true})
	}
	return health.New(all...)
}

// checkMemory passes if the memory is locked, or if nothing is swapped on this machine.
func (w watched) checkMemory(context.Context) error {
	if w.locked {
		return nil
	}
	switch active, err := doctor.ThisMachine().Swaps(); {
	case err != nil:
		return fmt.Errorf("%w (whether swap is on is not known: %w)", errNotLocked, err)
	case active:
		return errNotLocked
	}
	return nil
}

// checkCertificate reports whether clients can accept the certificate of the server by its dates.
func (w watched) checkCertificate(context.Context) error {
	if f := doctor.Certificate(w.certificate(), time.Now(), 0); f.State == doctor.Bad {
		return errors.New(f.Fact + ": " + f.Remedy)
	}
	return nil
}
