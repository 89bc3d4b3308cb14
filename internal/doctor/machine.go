package doctor

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"slices"
	"time"

	"github.com/keyhold/keyhold/internal/guarded"
	"github.com/keyhold/keyhold/internal/space"
)

// A Machine answers questions about the computer. Tests have machines of their own.
type Machine struct {
	// Clock reports whether a time service keeps the clock right.
	Clock func() (synchronised bool, err error)
	Stat  func(path string) (fs.FileInfo, error)
	Guard func(folder string) error                                // a guarded.Fault if others may change the folder
	Disk  func(path string) (free, total int64, err error)         // bytes
	Net   func(path string) (fileSystem string, err error)         // the name of a network file system, or ""
	Sync  func(folder string) (time.Duration, error)               // median time of a write with its sync
	Swaps func() (active bool, err error)                          // whether the kernel may write memory to swap
	Locks func() (all bool, err error)                             // whether the process may lock all of its memory
	Hosts func(ctx context.Context, name string) ([]string, error) // addresses of a host name
}

// ThisMachine returns the machine that the program runs on.
func ThisMachine() Machine {
	return Machine{
		Clock: clockState, Stat: os.Stat, Disk: diskOf, Net: networkFileSystem,
		Guard: func(folder string) error { return guarded.CheckFolder(folder) },
		Sync:  timeSyncs, Swaps: swapActive, Locks: locksAll, Hosts: net.DefaultResolver.LookupHost,
	}
}

// diskOf returns the bytes that the process may still write, and the size of the volume.
func diskOf(path string) (free, total int64, err error) {
	if free, err = space.Free(path); err != nil {
		return 0, 0, err
	}
	total, err = space.Size(path)
	return free, total, err
}

func locksAll() (all bool, err error) {
	_, all, err = LockLimit()
	return all, err
}

// measuredSyncs is the number of writes that timeSyncs measures.
const measuredSyncs = 21

// timeSyncs returns the median time of a write of 4 KiB with its sync, in a file of the folder.
func timeSyncs(folder string) (median time.Duration, err error) {
	f, err := os.CreateTemp(folder, ".doctor-*")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	times, page := make([]time.Duration, measuredSyncs), make([]byte, 4096)
	for i := range times {
		begun := time.Now()
		if _, err := f.WriteAt(page, int64(i)*int64(len(page))); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times[i] = time.Since(begun)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
