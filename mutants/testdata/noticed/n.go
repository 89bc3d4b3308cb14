// Package noticed has code of which its tests notice some changes.
package noticed

// Less is tested.
func Less(a, b int) bool { return a < b }

// Next is half tested.
func Next(a int) int { return a + 1 }

// limit is tested.
const limit = 3

// Twice is tested by another package.
func Twice(a int) int { return a * 2 }

// Never is not tested.
func Never() bool { return true }
