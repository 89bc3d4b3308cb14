package integrity

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
)

// relatedKeys checks that a key and its related keys in other Regions agree. After the deletion
// date of a replica, the replica and its entry in the primary key are removed one after the
// other, in either order.
func (v *verifier) relatedKeys(k key.Key) error {
	waits, window := k.State == key.PendingReplicaDeletion, k.MultiRegion.DeletionWindow
	switch {
	case key.IsMultiRegionID(k.ID) != k.IsMultiRegion():
		return errors.New("the form of its ID does not fit: only the IDs of multi-Region keys begin with mrk-")
	case waits != (window != 0), waits && key.CheckDeletionWindow(window) != nil:
		return fmt.Errorf("a waiting period of %d days does not fit its state", window)
	case !k.IsPrimary() && len(k.MultiRegion.Replicas) > 0:
		return errors.New("it is not a primary key, but has replicas")
	}
	if k.IsPrimary() {
		requireRecord(v, records.Families, records.FamilyPath(k), k.ARN())
	}
	switch {
	case k.State == key.Gone:
		return nil
	case k.IsPrimary():
		return v.replicasOf(k)
	case k.IsReplica():
		return v.primaryOf(k)
	}
	return nil
}

// family checks that the primary key of a set exists.
func (v *verifier) family(path string, f records.Family) error {
	account, id, _ := strings.Cut(path, "/")
	k, there, whole := lookUp(v, records.Keys, records.KeyPath(account, f.Primary, id))
	if !there || whole && !k.IsPrimary() {
		return fmt.Errorf("there is no such primary key in %q", f.Primary)
	}
	return nil
}

// replicasOf checks the replicas that a primary key lists.
func (v *verifier) replicasOf(primary key.Key) error {
	before := ""
	for _, r := range primary.MultiRegion.Replicas {
		if r.Region <= before || r.Region == primary.Region {
			return fmt.Errorf("its replica in %s is out of place", r.Region)
		}
		before = r.Region
		replica, there, whole := lookUp(v, records.Keys, records.KeyPath(primary.Account, r.Region, primary.ID))
		if !there && r.DeletionDate.IsZero() {
			return fmt.Errorf("its replica in %s is missing", r.Region)
		}
		if whole && replica.MultiRegion.Primary != primary.Region {
			return fmt.Errorf("its replica in %s has the primary key in %q", r.Region, replica.MultiRegion.Primary)
		}
	}
	return nil
}

// primaryOf checks that the primary key of a replica exists and agrees with the replica.
func (v *verifier) primaryOf(replica key.Key) error {
	region := replica.MultiRegion.Primary
	primary, there, whole := lookUp(v, records.Keys, records.KeyPath(replica.Account, region, replica.ID))
	if there && !whole {
		return nil
	}
	known := slices.IndexFunc(primary.MultiRegion.Replicas, func(r key.Replica) bool { return r.Region == replica.Region })
	switch {
	case known < 0 && !replica.DeletionDate.IsZero():
		return nil
	case known < 0 || !primary.IsPrimary():
		return fmt.Errorf("the primary key in %s does not list it", region)
	case !primary.MultiRegion.Replicas[known].DeletionDate.Equal(replica.DeletionDate):
		return fmt.Errorf("the primary key in %s has another deletion date for it", region)
	case primary.Spec != replica.Spec || primary.Usage != replica.Usage || primary.Origin != replica.Origin:
		return fmt.Errorf("the primary key in %s has another spec, usage or origin", region)
	case !slices.EqualFunc(primary.Materials, replica.Materials, sameInAllRegions):
		return fmt.Errorf("the primary key in %s is associated with other material", region)
	case (primary.Pending == nil) != (replica.Pending == nil),
		primary.Pending != nil && primary.Pending.ID != replica.Pending.ID:
		return fmt.Errorf("the primary key in %s has other pending material, or none", region)
	}
	return nil
}

// sameInAllRegions reports whether two materials are equal except for the bytes, their expiry and
// the description, which differ by Region.
func sameInAllRegions(a, b key.Material) bool {
	return a.ID == b.ID && a.RotationType == b.RotationType && a.RotationDate.Equal(b.RotationDate)
}
