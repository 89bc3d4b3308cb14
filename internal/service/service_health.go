package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/expiries"
	"github.com/keyhold/keyhold/internal/health"
	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/space"
	"github.com/keyhold/keyhold/internal/store"
)

// Checks returns the checks of the parts of a deployment that a Service uses.
func (s *Service) Checks() []health.Check {
	return []health.Check{
		{Name: "store", Check: s.checkStore},
		{Name: "feed", Check: s.checkFeed},
		{Name: "fence", Check: func(context.Context) error { return s.journal.Fenced() }},
		{Name: "node", Check: func(context.Context) error { return s.nodes.Ready() }},
		{Name: "audit", Check: s.checkAudit},
		{Name: "disk", Check: s.checkDisk, Degrades: !s.store.Shared()},
		{Name: "clock", Check: s.checkClock, Degrades: true},
	}
}

// checkStore reads a record.
func (s *Service) checkStore(ctx context.Context) error {
	err := s.store.View(ctx, func(v *store.View) error {
		_, _, err := records.Deployments.Get(v, records.DeploymentPath)
		return err
	})
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("the store does not answer: %w", err)
	}
	return err
}

func (s *Service) checkFeed(context.Context) error {
	now := time.Now()
	if s.store.Fresh(now) {
		return nil
	}
	asOf := s.store.FreshAsOf()
	if asOf.IsZero() {
		return errStale
	}
	return fmt.Errorf("%w: it is %v old", errStale, now.Sub(asOf).Round(time.Millisecond))
}

// checkAudit leaves a full disk to checkDisk.
func (s *Service) checkAudit(context.Context) error {
	if err := s.audit.Healthy(); !errors.Is(err, space.ErrFull) {
		return err
	}
	return nil
}

// checkDisk returns why there is no space for ordinary work. A server without other nodes goes on taking rights away.
// The reserve is in the large files of the server, so the check also writes a small file.
func (s *Service) checkDisk(context.Context) error {
	if err := s.full(); err != nil {
		return err
	}
	if err := s.audit.Healthy(); errors.Is(err, space.ErrFull) {
		return err
	}
	if s.probe == nil {
		return nil
	}
	if err := s.probe(); err != nil {
		return fmt.Errorf("the reserve is complete, but no other file can be written to the data folder: "+
			"free or add space on its volume: %w", err)
	}
	return nil
}

// backInTime is how far the clock may be behind the last event of the former process.
const backInTime = time.Second

// checkClock compares the clock with the clocks of other nodes, and with the last event of the former process.
func (s *Service) checkClock(context.Context) error {
	if err := s.nodes.Clock(); err != nil {
		return err
	}
	if behind := time.Until(s.lastEvent); behind > backInTime {
		return fmt.Errorf("the clock is %v behind the last event of the former process: correct the clock",
			behind.Round(time.Second))
	}
	return nil
}

// Stats are numbers about a Service.
type Stats struct {
	Store     store.Stats
	FeedAge   time.Duration // age of what memory knows of the store
	AuditLag  time.Duration
	Throttled uint64 // requests that the rates refused
	Alive     int    // nodes that are alive, with this one
	Full      bool   // the disk has no space for ordinary work
	Caches    []CacheStats
}

// CacheStats are the size and the limit of a cache, in bytes.
type CacheStats struct {
	Name         string
	Bytes, Limit int
}

// Stats returns the numbers of now, and those since the Service was opened. It waits for nothing but short locks.
func (s *Service) Stats() Stats {
	n := Stats{
		Store: s.store.Stats(), AuditLag: s.audit.Lag(), Throttled: s.throttled.Load(), Alive: s.nodes.Alive(),
		Full: s.full() != nil,
	}
	if s.store.Shared() {
		n.FeedAge = time.Since(s.store.FreshAsOf())
	}
	_, sessions := s.sessionTokens.opened.Size()
	n.Caches = []CacheStats{
		{"records", n.Store.Cache, store.CacheLimit},
		{"policies", s.compiled.bytes(), maxCompiled},
		{"sessions", sessions, maxSessionBytes},
		{"materials", s.materials.CacheBytes(), material.CacheLimit},
	}
	return n
}

// Waiting returns the number of events of this node in the outbox, counted up to journal.MostWaiting.
func (s *Service) Waiting(ctx context.Context) (n int, err error) { return s.journal.Waiting(ctx) }

// A Reading says how much is left of a certificate, a root key or a disk.
type Reading = expiries.Reading

// expiryParts know who uses keys whose material expires, and warn before the expiry.
type expiryParts struct {
	callers *expiries.Callers
	watcher *expiries.Watcher
}

func newExpiryParts(now time.Time) expiryParts { return expiryParts{callers: expiries.NewCallers(now)} }

// newExpiries returns the part that warns of key material that expires.
func (s *Service) newExpiries(c Config) *expiries.Watcher {
	return expiries.New(expiries.Config{
		Store: s.store, Journal: s.journal, Log: s.log, Now: s.clock.Now, Callers: s.expiry.callers, Event: keyEvent,
		May:   func() bool { return s.full() == nil && s.sharing.Clock() == nil },
		Mine:  func(path string) bool { return s.sharing.Mine(path) },
		Ahead: c.ExpiryAhead, Warned: c.ExpiryWarned, Readings: c.Readings,
		ServerEvent: func(name string, now time.Time) audit.Event {
			account, _ := s.Account(context.Background())
			return serverEvent(name, account, now)
		},
	})
}

// Now returns the time on the clock of keys.
func (s *Service) Now() time.Time { return s.clock.Now() }

// Expiries returns the part that warns of key material that expires.
func (s *Service) Expiries() *expiries.Watcher { return s.expiry.watcher }
