package records

// The levels after the first, and the members of records that belong to them:
//
//	2  lastEvent of a node
//	3  custody, dataKey, sealing of a node
//	4  text of a key
//
// A new member of a record that several nodes read belongs to a level, and is written only from that level on.

// TextLevel is the level from which on the record of a key contains its text, if the text is short.
const TextLevel = 4

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
