package main

import (
	"log/slog"

	"golang.org/x/sys/unix"

	"github.com/keyhold/keyhold/internal/doctor"
)

// mclOnFault is MCL_ONFAULT of mlockall(2): a page is locked when it is first used. Memory that is
// reserved but never used stays free.
const mclOnFault = 4

// lockMemory keeps the memory of the process out of swap, and reports whether it did. It locks nothing unless the
// process may lock all memory, because a later allocation could fail.
func lockMemory(log *slog.Logger) (locked bool) {
	if limit, all, err := doctor.LockLimit(); err != nil || !all {
		log.Info(
			"memory is not locked, so the kernel may write keys to swap: set LimitMEMLOCK=infinity in the unit of systemd, "+
				"or --ulimit memlock=-1 for Docker, or turn swap off", "limit", limit)
		return false
	}
	if err := unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | mclOnFault); err != nil {
		log.Info("memory is not locked, so the kernel may write keys to swap: turn swap off", "error", err)
		return false
	}
	return true
}
