// Package guarded reads files that contain secrets and checks folders that contain data. It refuses files that
// users other than the user of this process may read or change, and its errors name the command that fixes
// this.
//
// The rule for secrets is PostgreSQL's rule for the private keys of servers, because it fits the files that
// Kubernetes and systemd mount: a file must belong to the user without any access by group and others, or
// belong to root with at most read access by the group. Symbolic links are followed, and the rule applies to
// their targets. On systems without file owners and modes, nothing is refused.
package guarded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// A file has the attributes that the rules check.
type file struct {
	uid  int
	mode fs.FileMode
}

// ReadSecret reads a file of at most limit bytes. Errors call it by the name in what, such as "the root key file".
func ReadSecret(what, path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", what, err)
	}
	defer f.Close()
	info, err := f.Stat() // of the open file, in case the path has changed
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", what, err)
	}
	if uid, known := owner(info); known {
		if wrong := (file{uid, info.Mode()}).secretFault(os.Geteuid(), path); wrong != "" {
			return nil, fmt.Errorf("%s %s %s", what, path, wrong)
		}
	}
	content, err := Read(f, limit)
	if errors.Is(err, errTooLong) {
		return nil, fmt.Errorf("%s %s has more than %d bytes", what, path, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return content, nil
}

var errTooLong = errors.New("it is too long")

// Read reads a secret of at most limit bytes, so that the memory has no other copies.
func Read(r io.Reader, limit int) ([]byte, error) {
	content := make([]byte, limit+1)
	n, err := io.ReadFull(r, content)
	switch {
	case err == nil:
		clear(content)
		return nil, errTooLong
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		clear(content)
		return nil, err
	}
	return content[:n], nil
}

// secretFault describes the fault of a file of secrets, or returns "".
func (f file) secretFault(user int, path string) string {
	perm, at := f.mode.Perm(), Shell(path)
	switch {
	case f.uid == user && perm&0o077 == 0, f.uid == 0 && perm&0o037 == 0:
		return ""
	case f.uid == user:
		return fmt.Sprintf("may be read or changed by others (mode %04o): run chmod 600 %s", perm, at)
	case f.uid == 0:
		return fmt.Sprintf("may be read or changed by others (mode %04o): run chmod 640 %s", perm, at)
	}
	return fmt.Sprintf("belongs to the user %d, and this program runs as the user %d: run chown %d %s && chmod 600 %s",
		f.uid, user, user, at, at)
}

// A Fault is an error of CheckFolder: the fault of a file or folder, and its remedy.
type Fault struct{ What, Remedy string }

func (f Fault) Error() string { return f.What + ": " + f.Remedy }

// CheckFolder returns a Fault if a data folder does not belong to the user of this process or if others may
// change it. The same rule applies to the given files in it, which also others must not be able to read; the
// group may read them, for backups. Missing files are ignored.
func CheckFolder(path string, files ...string) error {
	for i, at := range append([]string{path}, files...) {
		info, err := os.Stat(at)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("data folder: %w", err)
		}
		uid, known := owner(info)
		if !known {
			continue
		}
		f, wrong := file{uid, info.Mode()}, Fault{}
		if i == 0 {
			wrong = f.folderFault(os.Geteuid(), path)
		} else {
			wrong = f.dataFault(os.Geteuid(), path, at)
		}
		if wrong != (Fault{}) {
			return wrong
		}
	}
	return nil
}

// folderFault returns the fault of a data folder, or none.
func (f file) folderFault(user int, path string) Fault {
	perm, at := f.mode.Perm(), Shell(path)
	switch {
	case f.uid != user:
		return Fault{
			fmt.Sprintf("the data folder %s belongs to the user %d, and this program runs as the user %d", path, f.uid, user),
			fmt.Sprintf("run chown -R %d %s, or give a new folder with --data", user, at),
		}
	case perm&0o022 != 0:
		return Fault{
			fmt.Sprintf("the data folder %s may be changed by others (mode %04o)", path, perm),
			"make sure that nobody did, then run chmod 700 " + at,
		}
	}
	return Fault{}
}

// dataFault returns the fault of a file in a data folder, or none.
func (f file) dataFault(user int, folder, path string) Fault {
	perm := f.mode.Perm()
	switch {
	case f.uid != user:
		return Fault{
			fmt.Sprintf("%s belongs to the user %d, and this program runs as the user %d", path, f.uid, user),
			fmt.Sprintf("run chown -R %d %s", user, Shell(folder)),
		}
	case perm&0o037 != 0:
		return Fault{
			fmt.Sprintf("%s may be read or changed by others (mode %04o)", path, perm), "run chmod 600 " + Shell(path),
		}
	}
	return Fault{}
}

// Shell quotes a path for the shell if necessary.
func Shell(path string) string {
	if strings.IndexFunc(path, func(r rune) bool { return !strings.ContainsRune(plain, r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=@%:,"
