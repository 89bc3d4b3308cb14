// Package noticed has one function that its test knows and one that its test does not.
package noticed

// Less is tested.
func Less(a, b int) bool { return a < b }

// Next is half tested.
func Next(a int) int { return a + 1 }
