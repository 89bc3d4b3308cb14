package records

// The levels after the first, and the members of a Node record that belong to them:
//
//	2  lastEvent
//	3  custody, dataKey, sealing
//
// A new member of a record that several nodes read belongs to a level, and is written only from that level on.

// AtLevel returns the record with the members of a level, of all that are set.
func (n Node) AtLevel(level int) Node {
	if level < 2 {
		n.LastEvent = ""
	}
	if level < SealLevel {
		n.SealMembers = SealMembers{}
	}
	return n.atNextLevel(level)
}
