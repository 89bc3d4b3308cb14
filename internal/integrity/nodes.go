package integrity

import (
	"strings"

	"github.com/keyhold/keyhold/internal/records"
)

func (v *verifier) fence(node string, f records.Fence) error {
	if strings.Contains(node, "/") || f.Incarnation == "" {
		return errMoved
	}
	return nil
}

func (v *verifier) soleNode(path string, n records.SoleNode) error {
	if path != records.SoleNodePath || n.ID == "" || strings.Contains(n.ID, "/") {
		return errMoved
	}
	return nil
}

func (v *verifier) nodeOf(id string, n records.Node) error {
	if !records.ValidNodeID(id) || n.Incarnation == "" || n.Level < 1 || n.Beat < 1 {
		return errMoved
	}
	return nil
}

// confirmation checks that the node exists that has confirmed a revision.
func (v *verifier) confirmation(id string, c records.Confirmation) error {
	requireRecord(v, records.Nodes, id, records.Confirmations.Prefix+"/"+id)
	if c.Incarnation == "" || c.Revision < 0 {
		return errMoved
	}
	return nil
}

func (v *verifier) level(path string, l records.Level) error {
	if path != records.LevelPath || l.Level < 1 {
		return errMoved
	}
	return nil
}
