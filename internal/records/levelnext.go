//go:build nextlevel

package records

// NewestLevel makes a program that is one level newer than any release, for the test of rolling upgrades.
const NewestLevel = 2

// LevelMembers are the members of a Node record that belong to levels after the first.
type LevelMembers struct {
	Next string `json:"next,omitzero"`
}

// AtLevel returns the record with the members of a level.
func (n Node) AtLevel(level int) Node {
	if level >= 2 {
		n.Next = "a member of level 2"
	}
	return n
}
