//go:build !linux

package main

import "log/slog"

// lockMemory logs that memory is not locked, because it uses features of Linux.
func lockMemory(log *slog.Logger) (locked bool) {
	log.Info("memory is not locked on this system, so the kernel may write keys to swap: turn swap off, or encrypt it")
	return false
}
