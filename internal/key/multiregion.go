package key

import (
	"slices"
	"strings"
	"time"
)

// MaxReplicas bounds the replicas of one key, so that a change of all related keys
// is one transaction.
const MaxReplicas = 40

// MultiRegion relates the keys of one ID in several Regions, each of which is a
// record of its own. Its zero value is that of a single-Region key.
type MultiRegion struct {
	Primary  string    `json:"primary"`            // the Region of the primary key
	Replicas []Replica `json:"replicas,omitempty"` // in the primary key alone, sorted by Region

	// DeletionWindow is the waiting period, in days, that a primary key in
	// PendingReplicaDeletion has before it.
	DeletionWindow int `json:"deletionWindow,omitzero"`
}

// A Replica is what a primary key knows of one of its replicas.
type Replica struct {
	Region       string    `json:"region"`
	DeletionDate time.Time `json:"deletionDate,omitzero"` // that of the replica
}

// IsMultiRegion reports whether the key is one of a set of related keys.
func (k Key) IsMultiRegion() bool { return k.MultiRegion.Primary != "" }

// IsPrimary reports whether the key is the primary key of such a set.
func (k Key) IsPrimary() bool { return k.IsMultiRegion() && k.MultiRegion.Primary == k.Region }

// IsReplica reports whether the key is a replica.
func (k Key) IsReplica() bool { return k.IsMultiRegion() && k.MultiRegion.Primary != k.Region }

// IsMultiRegionID reports whether a key ID is that of multi-Region keys.
func IsMultiRegionID(id string) bool { return strings.HasPrefix(id, multiRegionPrefix) }

// MultiRegionID makes a UUID the ID of a multi-Region key.
func MultiRegionID(uuid string) string { return multiRegionPrefix + strings.ReplaceAll(uuid, "-", "") }

// CheckNotReplica refuses an operation that its primary key is told for all related keys.
func (k Key) CheckNotReplica() error {
	if k.IsReplica() {
		return Errorf(KindUnsupportedOperation, "%s is a multi-Region replica key: call this operation on its primary key, in %s.", k.ARN(), k.MultiRegion.Primary)
	}
	return nil
}

// CheckPrimary refuses an operation that is for multi-Region primary keys.
func (k Key) CheckPrimary() error {
	if !k.IsPrimary() {
		return Errorf(KindUnsupportedOperation, "%s is not a multi-region primary key.", k.ARN())
	}
	return nil
}

// NewReplica returns what the primary key shares with a replica in a Region, as
// that replica, which has no material yet: it knows which it takes.
func (k Key) NewReplica(region string) Key {
	r := Key{
		ID: k.ID, Account: k.Account, Region: region, Spec: k.Spec, Usage: k.Usage, Origin: k.Origin,
		State: PendingImport, Materials: slices.Clone(k.Materials), MultiRegion: MultiRegion{Primary: k.Region},
	}
	for i, m := range r.Materials {
		r.Materials[i] = m.lost()
		r.Materials[i].Description = ""
	}
	return r.Await(k.Pending)
}

// WithReplica returns the primary key with a replica in one more Region.
func (k Key) WithReplica(region string) (Key, error) {
	if len(k.MultiRegion.Replicas) >= MaxReplicas {
		return Key{}, Errorf(KindLimitExceeded, "A multi-Region key can have at most %d replicas.", MaxReplicas)
	}
	k.MultiRegion.Replicas = sortedReplicas(append(slices.Clone(k.MultiRegion.Replicas), Replica{Region: region}))
	return k, nil
}

// WithReplicaDeletion returns the primary key knowing when a replica of it will be
// gone; the zero time is never.
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

// replicasAt returns a primary key without the replicas that are gone by now. The
// waiting period of one that is to be deleted begins when the last of them went.
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
