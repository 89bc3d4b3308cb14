//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// ownerOf returns the user and the group of a file, or of a link.
func ownerOf(t *testing.T, path string) (uid, gid int) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	of := info.Sys().(*syscall.Stat_t)
	return int(of.Uid), int(of.Gid)
}

// A folder is given with all that is in it, and nothing that a link in it names.
func TestGiveFolder(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	folder, other := t.TempDir(), filepath.Join(t.TempDir(), "other")
	inside := filepath.Join(folder, "a", "b")
	for _, path := range []string{inside, other} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(folder, "link")
	if err := os.Symlink(other, link); err != nil {
		t.Fatal(err)
	}
	const uid, gid = 65531, 65532
	if err := giveFolder(folder, uid, gid); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{folder, filepath.Dir(inside), inside, link} {
		if u, g := ownerOf(t, path); u != uid || g != gid {
			t.Errorf("%s belongs to %d:%d, want %d:%d", path, u, g, uid, gid)
		}
	}
	if u, _ := ownerOf(t, other); u != 0 {
		t.Errorf("a folder outside belongs to %d now", u)
	}
	if err := giveFolder(filepath.Join(folder, "missing"), uid, gid); err == nil {
		t.Error("a missing folder was given")
	}
}
