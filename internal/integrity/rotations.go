package integrity

import (
	"fmt"

	"github.com/keyhold/keyhold/internal/key"
)

// checkRotations checks whether the materials of a key, its pending material and its planned
// rotation are possible.
func checkRotations(k key.Key) error {
	known, onDemand := map[string]bool{}, 0
	for i, m := range k.AllMaterials() {
		first, waits := i == 0, i == len(k.Materials)
		if rotated := m.RotationType != "" && !m.RotationDate.IsZero(); rotated == (first || waits) {
			return fmt.Errorf("material %s is in a place where no rotation can have put it", m.ID)
		}
		if known[m.ID] {
			return fmt.Errorf("material %s is listed twice", m.ID)
		}
		known[m.ID] = true
		if m.RotationType == key.RotationOnDemand {
			onDemand++
		}
	}
	planned, period := k.Rotation != key.Rotation{}, k.Rotation.PeriodInDays
	switch {
	case onDemand > key.MaxOnDemandRotations:
		return fmt.Errorf("%d rotations on demand are more than a key can have", onDemand)
	case k.Pending != nil && (k.Origin != key.OriginExternal || len(k.Materials) == 0),
		k.Pending != nil && !k.Pending.Present() && !k.IsReplica():
		return fmt.Errorf("material %s cannot wait for a rotation of such a key", k.Pending.ID)
	case planned && k.IsReplica():
		return fmt.Errorf("a rotation is planned here, and not in the primary key in %s", k.MultiRegion.Primary)
	case len(known) > 1 && k.CheckRotatable() != nil, planned && k.CheckAutomaticRotation() != nil:
		return fmt.Errorf("a key of the spec %s and the origin %s cannot have this rotation", k.Spec, k.Origin)
	case planned && (period < key.MinRotationPeriod || period > key.MaxRotationPeriod || k.Rotation.Next.IsZero()):
		return fmt.Errorf("a rotation period of %d days is not valid", period)
	}
	return nil
}
