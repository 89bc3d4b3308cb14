//go:build nextlevel

package records

// NewestLevel makes a program that is one level newer than any release, for the test of rolling upgrades.
const NewestLevel = 5

// NextMembers are the members of a Node record that no release knows.
type NextMembers struct {
	Next string `json:"next,omitzero"`
}

func (n Node) atNextLevel(level int) Node {
	if level >= 5 {
		n.Next = "a member of level 5"
	}
	return n
}
