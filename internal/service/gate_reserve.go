package service

import (
	"errors"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/space"
)

// usesReserve are the operations that go on when the disk is full: those that take
// rights away, destroy key material, or stop a destruction that the sweep would carry
// out even then. Each writes little. PutKeyPolicy is not in the list: the server cannot
// distinguish a policy that takes rights away from a policy that gives rights, and no
// other operation writes as much. DisableKey stops a key for everybody.
var usesReserve = strings.Fields(`
CancelKeyDeletion DeleteIdentity DeleteImportedKeyMaterial DisableKey RetireGrant RevokeGrant RevokeSessions
ScheduleKeyDeletion SetIdentityState`)

// checkAdmission returns why the call may not begin, if so: it could not be audited, or it is
// ordinary work and the disk is full.
func (c *call) checkAdmission() error {
	if err := c.hasSpace(); err != nil {
		return err
	}
	err := c.audit.Healthy()
	if err == nil || c.Operation.usesReserve && errors.Is(err, space.ErrFull) {
		return nil // the event of a change lies in its transaction until the log takes it
	}
	return fmt.Errorf("refused because it cannot be audited: %w", err)
}

// hasSpace returns a space.ErrFull if the call is ordinary work and the disk is full.
func (c *call) hasSpace() error {
	if c.Operation.usesReserve {
		return nil
	}
	return c.full()
}
