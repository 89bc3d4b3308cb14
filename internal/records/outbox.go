package records

import (
	"crypto/rand"

	"github.com/keyhold/keyhold/internal/store"
)

// What each node of a deployment has in the store, by the ID of the node.
var (
	Outbox    = store.Table[PendingEvent]{Prefix: "outbox", Codec: store.JSON[PendingEvent]()}
	Fences    = store.Table[Fence]{Prefix: "fence", Codec: store.JSON[Fence]()}
	SoleNodes = store.Table[SoleNode]{Prefix: "sole-node", Codec: store.JSON[SoleNode]()}
)

// A PendingEvent is an event that was committed with its change and may not be in the audit log
// yet. If it is in the log, it begins at the offset After or later. If Void is set, the record
// has no event: it keeps a change whose outcome was not known from being made.
type PendingEvent struct {
	Line  []byte `json:"line,omitempty"`
	After int64  `json:"after"`
	Void  bool   `json:"void,omitzero"`
	From  string `json:"from,omitzero"` // the node that made the change, if another one took over its events
}

// OutboxPath returns the path of an event that a node committed.
func OutboxPath(node, eventID string) string { return node + "/" + eventID }

// A Fence names the incarnation of a node that may commit. Each start of the node writes another
// incarnation, and so does a process that takes over the node.
type Fence struct {
	Incarnation string `json:"incarnation"`
}

// A SoleNode is the ID of the only node of a deployment whose store belongs to one process.
type SoleNode struct {
	ID string `json:"id"`
}

// SoleNodePath is the path of the only SoleNode record.
const SoleNodePath = "this"

// NewNodeID returns a random ID of a node, or of an incarnation of a node: 16 letters and digits.
func NewNodeID() string { return rand.Text()[:16] }

// SoleNodeID returns the ID of the only node, and gives the node an ID if it has none.
func SoleNodeID(tx *store.Tx) (string, error) {
	n, ok, err := SoleNodes.Get(tx, SoleNodePath)
	if err == nil && !ok {
		n.ID = NewNodeID()
		err = SoleNodes.Put(tx, SoleNodePath, n)
	}
	return n.ID, err
}
