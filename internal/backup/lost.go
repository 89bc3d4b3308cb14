package backup

import (
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
)

// WithoutLost returns a key without the material whose slot the backup does not have, and whether there was such
// material. The key must be one of the records that a View has read last.
func (f *File) WithoutLost(k key.Key) (_ key.Key, lost bool) {
	return k.WithoutLost(f.slots.IsMissing, f.Header.WithoutImported || f.pendingLost[records.FamilyPath(k)])
}

// IsLost reports whether the backup does not have the slot of a token key.
func (f *File) IsLost(slot string) bool { return f.slots.IsMissing(slot) }

// notePending notes primary keys whose pending material is lost, because their replicas lose it too.
func (c *checker) notePending(k key.Key, slots Slots) {
	if k.IsPrimary() && k.Pending != nil && k.Pending.Present() && slots.IsMissing(k.Pending.Slot) {
		c.file.pendingLost[records.FamilyPath(k)] = true
	}
}
