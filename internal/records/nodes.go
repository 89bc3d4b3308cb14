package records

import (
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/store"
)

// What a deployment that several nodes share has of each node, by the ID of the node, besides the
// outbox and the fence.
var (
	Nodes         = tableOf[Node]("node")
	Confirmations = tableOf[Confirmation]("confirmed")
	// Levels has one record, at LevelPath.
	Levels = tableOf[Level]("cluster")
)

// LevelPath is the path of the only Level record.
const LevelPath = "level"

// A Node is the record that a node writes with each heartbeat. Its members never change their meaning, because nodes of
// other versions read the record.
type Node struct {
	Incarnation string    `json:"incarnation"` // of the process that writes the record
	Address     string    `json:"address,omitzero"`
	Version     string    `json:"version,omitzero"`
	Level       int       `json:"level"`             // the newest level that the node knows
	Time        time.Time `json:"time"`              // by the wall clock of the node
	Beat        int64     `json:"beat"`              // grows by one with each heartbeat
	LogBytes    int64     `json:"logBytes"`          // length of the audit log of the node
	Stopped     bool      `json:"stopped,omitzero"`  // in order, by itself
	Draining    bool      `json:"draining,omitzero"` // an operator wants the node to get no more requests
	Removal     *Removal  `json:"removal,omitempty"` // an operator wants the node to be forgotten
	// LastEvent is the ID of the event that ends at LogBytes in the audit log, from level 2 on. "" if it is not known.
	LastEvent string `json:"lastEvent,omitzero"`
	SealMembers
	NextMembers
}

// A Removal is the request to forget a node that does not run.
type Removal struct {
	LoseLog bool `json:"loseLog"` // nobody has a copy of the audit log of the node
}

// A Confirmation is the revision up to which a node has dropped from its memory what changed. The
// record exists while the node may answer from its memory.
type Confirmation struct {
	Incarnation string `json:"incarnation"`
	Revision    int64  `json:"revision"`
}

// A Level is the level of the records of a deployment: all nodes know its members. Each node that
// starts writes the record, so a transaction that raises the level conflicts with the start.
type Level struct {
	Level int `json:"level"`
}

// ValidNodeID reports whether id can be the ID of a node: 1 to 64 letters, digits and hyphens.
func ValidNodeID(id string) bool {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-"
	return id != "" && len(id) <= 64 && strings.Trim(id, letters) == ""
}

// ServingNode returns the ID of a node that may be serving, or "".
func ServingNode(r store.Reader) (id string, err error) {
	first := []byte(Confirmations.Prefix + "/")
	serving, err := r.Scan(first, []byte(Confirmations.Prefix+"0"), 1) // 0 follows / in ASCII
	if err != nil || len(serving) == 0 {
		return "", err
	}
	return string(serving[0].Key[len(first):]), nil
}
