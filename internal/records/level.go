//go:build !nextlevel

package records

// NewestLevel is the newest level whose members of records this program knows. A new member of a
// record that several nodes read belongs to a level, and is written only from that level on.
const NewestLevel = 1

// LevelMembers are the members of a Node record that belong to levels after the first. There are none.
type LevelMembers struct{}

// AtLevel returns the record with the members of a level.
func (n Node) AtLevel(int) Node { return n }
