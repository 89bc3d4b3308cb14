package records

import "errors"

// Copies has one record, at CopyPath, in a store that a deployment is being copied to. The keyring is written last, in
// the transaction that deletes the record.
var Copies = tableOf[Copy]("copy")

// CopyPath is the path of the only Copy record.
const CopyPath = "this"

// A Copy is the progress of a copy.
type Copy struct {
	Source string         `json:"source"`         // the state of the copied store, which must stay the same
	After  string         `json:"after,omitzero"` // the last record of the other store that was copied
	Counts map[string]int `json:"counts"`         // numbers of written records, by the prefix of their table
	Node   string         `json:"node"`           // the node that has the events of the copy

	// Amended means that the numbers of records were compared, and that the copy may have been changed since.
	Amended bool `json:"amended,omitzero"`
}

// ErrUnfinishedCopy means that a store has an unfinished copy of a deployment, which must not be used.
var ErrUnfinishedCopy = errors.New("the store has an unfinished copy of another one")

// CopyKey returns the key of the Copy record in a Backend.
func CopyKey() []byte { return []byte(Copies.Prefix + "/" + CopyPath) }
