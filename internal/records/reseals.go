package records

import (
	"time"

	"github.com/keyhold/keyhold/internal/store"
)

// StoredKeyring is the keyring. It is changed in transactions, with events.
const StoredKeyring = store.Unsealed(KeyringPath)

// From SealLevel on, nodes report in their heartbeats which keyring they have, and read the keyring again when it was
// changed. All formats of the keyring are known then.
const SealLevel = 3

// SealMembers are what a node has of the keyring.
type SealMembers struct {
	Custody string `json:"custody,omitzero"` // the ID of the custody by which the node opens the keyring
	DataKey uint32 `json:"dataKey,omitzero"` // the version of the newest data key that the node has
	Sealing uint32 `json:"sealing,omitzero"` // the version of the data key under which the node seals
}

// Reseals has one record, at ResealPath, while a data key replaces older ones.
var Reseals = tableOf[Reseal]("reseal")

// ResealPath is the path of the only Reseal record.
const ResealPath = "this"

// A Phase is what a rotation of data keys does.
type Phase string

// The phases, in their order. After PhaseChecking, the older data keys are destroyed, or another check follows.
const (
	PhaseWaiting   Phase = "waiting"   // until every node that may answer requests has the new data key
	PhaseUsing     Phase = "using"     // until every such node seals under the new data key
	PhaseCounting  Phase = "counting"  // the records under older data keys
	PhaseResealing Phase = "resealing" // these records
	PhaseResting   Phase = "resting"   // until no session token under an older data key can be valid
	PhaseChecking  Phase = "checking"  // that no record names an older data key
)

// A Reseal is the progress of a rotation of data keys.
type Reseal struct {
	To    uint32           `json:"to"` // the version of the new data key
	Phase Phase            `json:"phase"`
	Begun time.Time        `json:"begun"`
	Since time.Time        `json:"since,omitzero"` // since when every node seals under the new data key
	After string           `json:"after,omitzero"` // the last record at which the pass has looked
	Total int64            `json:"total,omitzero"` // records that named older data keys when they were counted
	Left  map[string]int64 `json:"left,omitempty"` // of these: the records that still do, by the version of the data key
	Found int64            `json:"found,omitzero"` // records that the pass has sealed again
	Stuck int64            `json:"stuck,omitzero"` // records that the pass could not seal again
	Tries int64            `json:"tries,omitzero"` // checks that have found something
	Rest  time.Time        `json:"rest,omitzero"`  // the end of the phase resting
}

// IsCounted reports whether the records under older data keys were counted.
func (r Reseal) IsCounted() bool {
	return r.Phase == PhaseResealing || r.Phase == PhaseResting || r.Phase == PhaseChecking
}

// Remaining returns the number of records that name older data keys, at most: records that were removed or changed
// since they were counted are still included.
func (r Reseal) Remaining() (n int64) {
	for _, left := range r.Left {
		n += left
	}
	return n
}
