package service

import (
	"context"
	"errors"

	"github.com/go-json-experiment/json"

	"github.com/keyhold/keyhold/internal/reseal"
	"github.com/keyhold/keyhold/internal/seal"
	"github.com/keyhold/keyhold/internal/store"
)

// newSeals returns the Keeper of the keyring. The materials must be there.
func (s *Service) newSeals(c Config, keyring *seal.Keyring) *reseal.Keeper {
	s.openCustody = c.OpenCustody
	if s.openCustody == nil {
		s.openCustody = noCustody
	}
	return reseal.New(reseal.Config{
		Store: s.store, Keyring: keyring, Custody: c.Root, Materials: s.materials, Log: s.log, Now: s.clock.Now,
		Record: s.recordSeal,
		May:    func() error { return errors.Join(s.full(), s.sharing.Clock(), s.journal.Fenced()) },
		Mine:   func() bool { return s.sharing.Mine("reseal") },
	})
}

// Custody returns the custody by which this process opens the keyring.
func (s *Service) Custody() seal.Root { return s.seals.Root() }

// RootKey returns the newest root key. It is zero in a deployment whose keyring has the oldest format.
func (s *Service) RootKey(ctx context.Context) (seal.RootKey, error) {
	status, err := s.seals.Status(ctx)
	return status.Root, err
}

// recordSeal makes a change of the seal that the server makes on its own, with its event.
func (s *Service) recordSeal(ctx context.Context, name string, details any, change func(*store.Tx) error) error {
	account, err := s.Account(ctx)
	if err != nil {
		return err
	}
	event := serverEvent(name, account, s.clock.Now())
	if event.ServiceEventDetails, err = json.Marshal(details); err != nil {
		return err
	}
	return s.journal.Update(ctx, change, event)
}
