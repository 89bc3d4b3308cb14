//go:build !linux

package main

import "log/slog"

// lockMemory says that nothing is done where the means of Linux are not there.
func lockMemory(log *slog.Logger) {
	log.Info("memory is not locked on this system, so the kernel may write keys to swap: turn swap off, or encrypt it")
}
