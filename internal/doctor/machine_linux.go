package doctor

import (
	"bytes"
	"os"

	"golang.org/x/sys/unix"
)

// clockState asks the kernel, which knows what a time service does with its clock: adjtimex(2).
func clockState() (bool, error) {
	state, err := unix.Adjtimex(&unix.Timex{})
	return state != unix.TIME_ERROR, err
}

// networkFileSystems are file systems whose locks and syncs depend on another machine, by the numbers of statfs(2).
var networkFileSystems = map[int64]string{
	unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "CIFS", unix.SMB2_SUPER_MAGIC: "SMB",
	unix.AFS_SUPER_MAGIC: "AFS", unix.CEPH_SUPER_MAGIC: "Ceph", unix.FUSE_SUPER_MAGIC: "FUSE", unix.V9FS_MAGIC: "9P",
}

func networkFileSystem(path string) (string, error) {
	var s unix.Statfs_t
	err := unix.Statfs(path, &s)
	return networkFileSystems[int64(s.Type)], err
}

func swapActive() (bool, error) { return swapActiveBy("/proc/swaps", unix.Sysinfo) }

// swapActiveBy reads proc_swaps(5): a line of titles, and a line for each swap area. A unit of systemd with
// ProcSubset=pid hides the file, and sysinfo(2) answers in its place.
func swapActiveBy(path string, sysinfo func(*unix.Sysinfo_t) error) (bool, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		return bytes.Count(text, []byte{'\n'}) > 1, nil
	}
	var info unix.Sysinfo_t
	err = sysinfo(&info)
	return info.Totalswap > 0, err
}

// LockLimit returns how many bytes of memory the process may lock, and whether that is all of its memory.
func LockLimit() (bytes uint64, all bool, err error) {
	var limit unix.Rlimit
	err = unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit)
	return limit.Cur, err == nil && limit.Cur == unix.RLIM_INFINITY, err
}
