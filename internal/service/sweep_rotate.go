package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyhold/keyhold/internal/audit"
	"github.com/keyhold/keyhold/internal/crypt"
	"github.com/keyhold/keyhold/internal/journal"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/store"
)

// RotateDue carries out the automatic rotations that are due now. Sweep does this too, among other changes. After the
// clock was moved, rotations need not wait for Sweep. RotateDue does not run beside Sweep, which would make material
// for the same rotations.
func (s *Service) RotateDue(ctx context.Context) error {
	s.sweeping.Lock()
	defer s.sweeping.Unlock()
	now := s.clock.Now()
	return s.eachDue(ctx, now, func(entry string) error {
		k, err := s.storedKey(ctx, records.KeyPathOfDue(entry))
		if err != nil || !k.RotationDue(now) {
			return err
		}
		return s.rotate(ctx, k, now)
	})
}

var errNotDue = errors.New("the rotation is not due any more")

// rotate makes new material for a key whose rotation is due, and for its related keys. The
// material is generated before the transaction, and given up if the rotation is no longer due.
func (s *Service) rotate(ctx context.Context, k key.Key, now time.Time) error {
	c := &call{Service: s, ctx: ctx, now: now}
	before, err := c.related(k)
	if err != nil {
		return err
	}
	fresh, err := c.freshMaterials(before)
	if err != nil {
		return c.notCommitted(err)
	}
	var left []string
	_, err = s.journal.UpdateAt(ctx, c.fence, func(tx *store.Tx) error {
		related, err := c.relatedDue(tx, k)
		if err != nil {
			return err
		}
		if err := inSameRegions(before, related); err != nil {
			return err
		}
		left, err = records.PutKeys(tx, related.Rotate(fresh, now)...)
		return err
	}, rotationEvent(before, key.RotationAutomatic, now))
	if errors.Is(err, errNotDue) {
		return s.materials.Discard(ctx, c.written...)
	}
	if err != nil {
		return c.notCommitted(err)
	}
	return s.materials.Erase(ctx, left)
}

// relatedDue returns a key whose rotation is due, and its related keys.
func (c *call) relatedDue(tx *store.Tx, k key.Key) (key.Related, error) {
	k, live, err := c.liveKey(tx, records.PathOf(k))
	if err != nil {
		return nil, err
	}
	if !live || !k.RotationDue(c.now) {
		return nil, errNotDue
	}
	return records.RelatedKeys(tx, k)
}

// freshMaterials generates one material for related symmetric keys and seals it for each of
// them. It generates none for keys with imported material.
func (c *call) freshMaterials(related key.Related) ([]key.Material, error) {
	fresh := make([]key.Material, len(related))
	if related[0].Origin != key.OriginAWSKMS {
		return fresh, nil
	}
	var err error
	crypt.Secretly(func() {
		material := crypt.NewSymmetricMaterial()
		defer clear(material)
		for i, k := range related {
			if fresh[i], err = c.sealNew(k, material); err != nil {
				return
			}
		}
	})
	return fresh, err
}

// rotationEvent returns CloudTrail's event of a rotation, in addition to the event of a request
// ("RotateKey" among the examples of log entries). It names all keys that are rotated.
func rotationEvent(related key.Related, t key.RotationType, now time.Time) audit.Event {
	e := keyEvent("RotateKey", related[0], now)
	e.ServiceEventDetails = fmt.Appendf(nil, `{"keyId":%q,"rotationType":%q}`, related[0].ID, t)
	for _, replica := range related[1:] {
		e.Resources = append(e.Resources, keyResource(replica.ARN(), replica.Account))
	}
	return e
}

// keyEvent returns the event of a change that the server made to a key on its own, such as an
// automatic rotation.
func keyEvent(name string, k key.Key, now time.Time) audit.Event {
	e := serverEvent(name, k.Account, now)
	e.AWSRegion = k.Region
	e.Resources = []audit.Resource{keyResource(k.ARN(), k.Account)}
	return e
}

func keyResource(arn, account string) audit.Resource {
	return audit.Resource{ARN: arn, AccountID: account, Type: audit.KeyResource}
}

// serverEvent returns the event of an action of the server itself, under the name that
// CloudTrail uses.
func serverEvent(name, account string, now time.Time) audit.Event {
	return audit.Event{
		EventID:            journal.NewEventID(),
		EventTime:          now,
		EventName:          name,
		EventType:          audit.ServiceEvent,
		UserIdentity:       audit.Identity{AccountID: account, InvokedBy: "keyhold"},
		SourceIPAddress:    "keyhold",
		UserAgent:          "keyhold",
		RecipientAccountID: account,
	}
}
