package integrity

import (
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/keyhold/keyhold/internal/material"
	"github.com/keyhold/keyhold/internal/records"
)

// claimSlot records that a record names the slot. Only one record may name a slot.
func (v *verifier) claimSlot(slot string) error {
	h := maphash.String(v.seed, slot)
	if v.named[h] {
		return fmt.Errorf("another record names the slot %s too", slot)
	}
	v.named[h] = true
	return nil
}

// findOrphans counts the slots that no record names.
func (v *verifier) findOrphans() error {
	orphans := 0
	err := v.slots.Each(v.ctx, "", func(slot string, damage error) bool {
		switch {
		case damage != nil:
			v.report("slots "+slot, damage)
		case !v.named[maphash.String(v.seed, slot)]:
			orphans++
		}
		return true
	})
	if orphans > 0 {
		v.note("%d slots are in use that no record names: a crash leaves some, and the server erases them within a day",
			orphans)
	}
	return err
}

// tokenRing checks that every token key opens.
func (v *verifier) tokenRing(path string, ring records.TokenRing) error {
	if path != records.TokenRingPath {
		return errMoved
	}
	var problems []error
	hours := map[int64]bool{}
	for _, k := range ring.Keys {
		err := v.tokenKey(k)
		if hours[k.Hour] {
			err = errors.New("it is listed twice")
		}
		if hours[k.Hour] = true; err != nil {
			problems = append(problems, fmt.Errorf("the token key of hour %d: %w", k.Hour, err))
		}
	}
	return errors.Join(problems...)
}

func (v *verifier) tokenKey(k records.TokenKey) error {
	if err := v.claimSlot(k.Slot); err != nil {
		return err
	}
	opened, err := material.OpenTokenKey(v.ctx, v.slots, v.tokenSeal, k)
	if err != nil {
		return err
	}
	clear(opened)
	v.TokenKeys++
	return nil
}

// erasure records the slots of an Erasure, which may already be overwritten.
func (v *verifier) erasure(slot string, e records.Erasure) error {
	err := v.claimSlot(slot)
	for _, also := range e.Also {
		err = errors.Join(err, v.claimSlot(also))
	}
	return err
}
