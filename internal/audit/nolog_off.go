//go:build !nolog

package audit

// discardsEvents is true in a program that the tag nolog builds. Only the benchmark of the log uses it, to measure the
// cost of the log (go run ./bench -parts audit).
const discardsEvents = false
