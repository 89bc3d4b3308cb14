//go:build unix

package main

import (
	"errors"
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
	outside := filepath.Join(other, "outside")
	err := errors.Join(os.WriteFile(outside, nil, 0o600), os.Link(outside, filepath.Join(inside, "hard")))
	if err != nil {
		t.Fatal(err)
	}
	if err := giveFolder(folder, uid, gid); err == nil {
		t.Error("a file with a second name was accepted")
	}
	if u, _ := ownerOf(t, outside); u != 0 {
		t.Errorf("a file outside belongs to %d now, through a hard link", u)
	}
	if err := giveFolder(filepath.Join(folder, "missing"), uid, gid); err == nil {
		t.Error("a missing folder was given")
	}
}

// The group of the server may read a secret, which stays with root. A link is refused.
func TestLetGroupRead(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	folder := t.TempDir()
	secret, link := filepath.Join(folder, "secret"), filepath.Join(folder, "link")
	outside, hard := filepath.Join(t.TempDir(), "outside"), filepath.Join(folder, "hard")
	err := errors.Join(os.WriteFile(secret, []byte("x"), 0o600), os.Symlink(secret, link),
		os.WriteFile(outside, []byte("y"), 0o600), os.Link(outside, hard))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, hard, folder, filepath.Join(folder, "missing")} {
		if err := letGroupRead(path, 65532); err == nil {
			t.Errorf("%s was accepted", path)
		}
	}
	if _, gid := ownerOf(t, outside); gid == 65532 {
		t.Error("a group got a file outside, through a hard link")
	}
	if err := letGroupRead(secret, 65532); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(secret)
	if err != nil {
		t.Fatal(err)
	}
	if uid, gid := ownerOf(t, secret); uid != 0 || gid != 65532 || info.Mode().Perm() != 0o640 {
		t.Errorf("the secret belongs to %d:%d, with the mode %v", uid, gid, info.Mode())
	}
}
