package service

import (
	"errors"
	"fmt"
	"strings"

	"github.com/keyhold/keyhold/internal/space"
)

// usesReserve lists the operations that work even when the disk is full: operations that revoke
// permissions, destroy key material, or cancel a deletion, which the sweep would otherwise
// carry out even on a full disk. Each writes little. PutKeyPolicy is not in the list, because
// the server cannot distinguish a policy that revokes permissions from a policy that gives
// permissions, and no other operation writes as much. DisableKey disables a key for everybody.
var usesReserve = strings.Fields(`
CancelKeyDeletion DeleteIdentity DeleteImportedKeyMaterial DisableKey RetireGrant RevokeGrant RevokeSessions
ScheduleKeyDeletion SetIdentityState`)

// checkAdmission returns an error if the call may not begin: because the node was taken over, because
// the call could not be audited, or because the disk is full and the operation does not use the reserve.
func (c *call) checkAdmission() error {
	if err := c.journal.Fenced(); err != nil {
		return err
	}
	if err := c.hasSpace(); err != nil {
		return err
	}
	err := c.audit.Healthy()
	if err == nil || c.Operation.usesReserve && errors.Is(err, space.ErrFull) {
		return nil // the transaction stores the event of a change until the log accepts it
	}
	return fmt.Errorf("refused because it cannot be audited: %w", err)
}

// hasSpace returns a space.ErrFull if the disk is full and the operation does not use the
// reserve.
func (c *call) hasSpace() error {
	if c.Operation.usesReserve {
		return nil
	}
	return c.full()
}
