package engine

import (
	"crypto/rand"
	"encoding/hex"
)

const slotName = 16 // random bytes of a name

// NewSlotName returns a name that no slot has had: 32 lower-case hexadecimal digits.
func NewSlotName() string {
	random := make([]byte, slotName)
	rand.Read(random)
	return hex.EncodeToString(random)
}

// IsSlotName reports whether a name can be the name of a slot.
func IsSlotName(name string) bool {
	random, err := hex.DecodeString(name)
	return err == nil && len(random) == slotName
}
