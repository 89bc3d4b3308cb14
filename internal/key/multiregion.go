package key

import (
	"slices"
	"strings"
	"time"
)

// MaxReplicas bounds the replicas of one key, so that one transaction can change all related keys.
const MaxReplicas = 40

// MultiRegion links the keys that have one ID in several Regions. Each of these keys has its own record. The
// value is zero in a single-Region key.
type MultiRegion struct {
	Primary  string    `json:"primary"`            // Region of the primary key
	Replicas []Replica `json:"replicas,omitempty"` // set in the primary key only, sorted by Region

	// DeletionWindow is the waiting period, in days, that starts when a primary key leaves
	// PendingReplicaDeletion.
	DeletionWindow int `json:"deletionWindow,omitzero"`
}

// A Replica is a primary key's entry for one of its replicas.
type Replica struct {
	Region       string    `json:"region"`
	DeletionDate time.Time `json:"deletionDate,omitzero"` // zero unless the replica is pending deletion
}

// IsMultiRegion reports whether the key is a multi-Region key.
func (k Key) IsMultiRegion() bool { return k.MultiRegion.Primary != "" }

// IsPrimary reports whether the key is a multi-Region primary key.
func (k Key) IsPrimary() bool { return k.IsMultiRegion() && k.MultiRegion.Primary == k.Region }

// IsReplica reports whether the key is a multi-Region replica key.
func (k Key) IsReplica() bool { return k.IsMultiRegion() && k.MultiRegion.Primary != k.Region }

// IsMultiRegionID reports whether id has the form of a multi-Region key ID.
func IsMultiRegionID(id string) bool { return strings.HasPrefix(id, multiRegionPrefix) }

// MultiRegionID returns the multi-Region key ID made from a UUID.
func MultiRegionID(uuid string) string { return multiRegionPrefix + strings.ReplaceAll(uuid, "-", "") }

// CheckNotReplica rejects operations that must be sent to the primary key, which applies them to all replicas.
func (k Key) CheckNotReplica() error {
	if k.IsReplica() {
		return Errorf(KindUnsupportedOperation, "%s is a multi-Region replica key: call this operation on its primary "+
			"key, in %s.", k.ARN(), k.MultiRegion.Primary)
	}
	return nil
}

// CheckPrimary rejects operations that apply only to multi-Region primary keys.
func (k Key) CheckPrimary() error {
	if !k.IsPrimary() {
		return Errorf(KindUnsupportedOperation, "%s is not a multi-region primary key.", k.ARN())
	}
	return nil
}

// NewReplica returns a replica of the primary key for a Region, with the attributes that both share. The
// replica has the IDs of the primary key's materials but not their bytes.
func (k Key) NewReplica(region string) Key {
	r := Key{
		ID: k.ID, Account: k.Account, Region: region, Spec: k.Spec, Usage: k.Usage, Origin: k.Origin,
		State: PendingImport, Materials: slices.Clone(k.Materials), MultiRegion: MultiRegion{Primary: k.Region},
	}
	for i, m := range r.Materials {
		r.Materials[i] = m.withoutBytes()
		r.Materials[i].Description = ""
	}
	return r.Await(k.Pending)
}

// WithReplica returns the primary key with an entry for a replica in another Region.
func (k Key) WithReplica(region string) (Key, error) {
	if len(k.MultiRegion.Replicas) >= MaxReplicas {
		return Key{}, Errorf(KindLimitExceeded, "A multi-Region key can have at most %d replicas.", MaxReplicas)
	}
	k.MultiRegion.Replicas = sortedReplicas(append(slices.Clone(k.MultiRegion.Replicas), Replica{Region: region}))
	return k, nil
}

// WithReplicaDeletion returns the primary key with the deletion date of one of its replicas. A zero date means
// that the replica is not pending deletion.
func (k Key) WithReplicaDeletion(region string, date time.Time) Key {
	k.MultiRegion.Replicas = slices.Clone(k.MultiRegion.Replicas)
	for i, r := range k.MultiRegion.Replicas {
		if r.Region == region {
			k.MultiRegion.Replicas[i].DeletionDate = date
		}
	}
	return k
}

func sortedReplicas(all []Replica) []Replica {
	slices.SortFunc(all, func(a, b Replica) int { return strings.Compare(a.Region, b.Region) })
	return all
}

// replicasAt returns a primary key without the replicas that are gone at the given moment. If the primary key
// is pending replica deletion, its own waiting period starts when the last replica is gone.
func (k Key) replicasAt(now time.Time) Key {
	gone := func(r Replica) bool { return !r.DeletionDate.IsZero() && !now.Before(r.DeletionDate) }
	if !slices.ContainsFunc(k.MultiRegion.Replicas, gone) {
		return k
	}
	last := time.Time{}
	var left []Replica
	for _, r := range k.MultiRegion.Replicas {
		if !gone(r) {
			left = append(left, r)
		} else if r.DeletionDate.After(last) {
			last = r.DeletionDate
		}
	}
	k.MultiRegion.Replicas = left
	if k.State == PendingReplicaDeletion && len(left) == 0 {
		k = k.ScheduleDeletion(k.MultiRegion.DeletionWindow, last)
	}
	return k
}
