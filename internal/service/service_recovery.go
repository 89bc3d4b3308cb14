package service

import (
	"context"

	"github.com/keyhold/keyhold/internal/reseal"
	"github.com/keyhold/keyhold/internal/seal"
)

// A RecoverySet describes the shares of a recovery key, for the audit log.
type RecoverySet struct {
	Key         string `json:"recoveryKey"` // the ID of the recovery key
	Threshold   int    `json:"threshold"`
	Shares      int    `json:"shares"`
	Fingerprint string `json:"setFingerprint"`
}

// SetUpRecovery puts a recovery key into the keyring, in place of earlier ones. The shares of its private half must be
// durable.
func (s *Service) SetUpRecovery(ctx context.Context, recovery seal.Root, set RecoverySet) error {
	set.Key = recovery.ID()
	prepared, err := s.seals.SetUpRecovery(ctx, recovery)
	return s.changeSeal(ctx, "SetUpRecovery", set, prepared, err)
}

// recoveryDetails are in the event of a recovery.
type recoveryDetails struct {
	RecoverySet
	Custody string `json:"custody"`
	Alone   bool   `json:"otherCustodiesRemoved"`
}

// Recover puts a deployment, which the shares of a set have opened, into a custody. The other custodies stay, or are
// removed if alone is true.
func (s *Service) Recover(ctx context.Context, to seal.Root, alone bool, by RecoverySet) error {
	by.Key = s.seals.Root().ID()
	prepared, err := s.seals.Recover(ctx, to, alone)
	return s.changeSeal(ctx, "Recover", recoveryDetails{by, to.ID(), alone}, prepared, err)
}

// changeSeal makes a change of the seal that the operator of a stopped server makes.
func (s *Service) changeSeal(ctx context.Context, event string, details any, c reseal.Change, err error) error {
	if err == nil {
		err = s.recordSeal(ctx, event, details, c.Put)
	}
	if err == nil {
		c.Made()
	}
	return err
}
