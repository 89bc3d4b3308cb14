package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/store"
)

// RotateDue carries out the automatic rotations that are due now, as Sweep does
// among other things. A clock that was moved need not wait for it.
func (s *Service) RotateDue(ctx context.Context) error {
	now := s.clock.Now()
	return s.eachDue(ctx, now, func(entry string) error {
		k, err := s.storedKey(ctx, dueKeyPath(entry))
		if err != nil || !k.RotationDue(now) {
			return err
		}
		return s.rotate(ctx, k, now)
	})
}

var errNotDue = errors.New("the rotation is not due any more")

// rotate gives a key, whose rotation is due, new material. It is made before the
// transaction, and given up if the key was changed meanwhile so that no rotation
// is due.
func (s *Service) rotate(ctx context.Context, k key.Key, now time.Time) error {
	c := &call{Service: s, ctx: ctx, now: now}
	fresh, err := c.freshMaterial(k)
	if err != nil {
		return err
	}
	var left []string
	err = s.update(ctx, func(tx *store.Tx) error {
		k, live, err := c.liveKey(tx, pathOf(k))
		if err != nil {
			return err
		}
		if !live || !k.RotationDue(now) {
			return errNotDue
		}
		left, err = putKeys(tx, k.Rotate(fresh, now))
		return err
	}, rotationEvent(k, key.RotationAutomatic, now))
	switch {
	case errors.Is(err, errNotDue):
		return s.slots.Erase(context.WithoutCancel(ctx), fresh.Slot)
	case err != nil:
		return c.notCommitted(err)
	}
	return s.erase(ctx, left)
}

// freshMaterial makes material for a symmetric key and seals it.
func (c *call) freshMaterial(k key.Key) (m key.Material, err error) {
	crypt.Secretly(func() {
		material := crypt.NewSymmetricMaterial()
		defer clear(material)
		m, err = c.sealNew(k, material)
	})
	return m, err
}

// rotationEvent is what CloudTrail has of a rotation, beside the request if there
// was one ("RotateKey" among the examples of log entries).
func rotationEvent(k key.Key, t key.RotationType, now time.Time) audit.Event {
	e := keyEvent("RotateKey", k, now)
	e.ServiceEventDetails = fmt.Appendf(nil, `{"keyId":%q,"rotationType":%q}`, k.ID, t)
	return e
}

// keyEvent tells of what the server did to a key of itself.
func keyEvent(name string, k key.Key, now time.Time) audit.Event {
	e := serverEvent(name, k.Account, now)
	e.AWSRegion = k.Region
	e.Resources = []audit.Resource{{ARN: k.ARN(), AccountID: k.Account, Type: audit.KeyResource}}
	return e
}
