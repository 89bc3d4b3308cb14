//go:build nolog

package audit

const discardsEvents = true
