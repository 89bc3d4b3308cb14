// Package guarded reads files that hold secrets, and looks at folders that hold data. It
// refuses what others than the user of this process may read or change, and says which
// command puts that right.
//
// The rule for secrets is that of PostgreSQL for the private keys of servers, because it
// fits what Kubernetes and systemd mount: a file belongs to the user and is closed to
// group and others, or it belongs to root and the group may read it at most. Symbolic links are
// followed, and what they lead to is judged. Where files have no owners and modes, nothing is refused.
package guarded

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// A file is what the rules go by.
type file struct {
	uid  int
	mode fs.FileMode
}

// ReadSecret reads a file of at most limit bytes. what names it in errors, such as "the
// root key file".
func ReadSecret(what, path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", what, err)
	}
	defer f.Close()
	info, err := f.Stat() // of what is read, whatever the path leads to by now
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", what, err)
	}
	if uid, known := owner(info); known {
		if wrong := (file{uid, info.Mode()}).secretTo(os.Geteuid(), path); wrong != "" {
			return nil, fmt.Errorf("%s %s %s", what, path, wrong)
		}
	}
	content := make([]byte, limit+1) // one buffer, which leaves no copies behind
	n, err := io.ReadFull(f, content)
	switch {
	case err == nil:
		clear(content)
		return nil, fmt.Errorf("%s %s has more than %d bytes", what, path, limit)
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		clear(content)
		return nil, fmt.Errorf("read %s: %w", what, err)
	}
	return content[:n], nil
}

// secretTo says what is wrong with a file of secrets, "" for nothing.
func (f file) secretTo(user int, path string) string {
	perm, at := f.mode.Perm(), Shell(path)
	switch {
	case f.uid == user && perm&0o077 == 0, f.uid == 0 && perm&0o037 == 0:
		return ""
	case f.uid == user:
		return fmt.Sprintf("may be read or changed by others (mode %04o): run chmod 600 %s", perm, at)
	case f.uid == 0:
		return fmt.Sprintf("may be read or changed by others (mode %04o): run chmod 640 %s", perm, at)
	}
	return fmt.Sprintf("belongs to the user %d, and this program runs as the user %d: run chown %d %s && chmod 600 %s", f.uid, user, user, at, at)
}

// CheckFolder refuses a data folder that does not belong to the user of this process or
// that others may change. The same holds for the files in the folder, which others may not
// read either; the group may read them, for backups. Missing files are no error.
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
		f, wrong := file{uid, info.Mode()}, ""
		if i == 0 {
			wrong = f.folderOf(os.Geteuid(), path)
		} else {
			wrong = f.dataOf(os.Geteuid(), path, at)
		}
		if wrong != "" {
			return fmt.Errorf("%s", wrong)
		}
	}
	return nil
}

// folderOf says what is wrong with a data folder.
func (f file) folderOf(user int, path string) string {
	perm, at := f.mode.Perm(), Shell(path)
	switch {
	case f.uid != user:
		return fmt.Sprintf("the data folder %s belongs to the user %d, and this program runs as the user %d: run chown -R %d %s, or give a new folder with --data", path, f.uid, user, user, at)
	case perm&0o022 != 0:
		return fmt.Sprintf("the data folder %s may be changed by others (mode %04o): run chmod 700 %s, once you know that nobody did", path, perm, at)
	}
	return ""
}

// dataOf says what is wrong with a file in a data folder.
func (f file) dataOf(user int, folder, path string) string {
	perm := f.mode.Perm()
	switch {
	case f.uid != user:
		return fmt.Sprintf("%s belongs to the user %d, and this program runs as the user %d: run chown -R %d %s", path, f.uid, user, user, Shell(folder))
	case perm&0o037 != 0:
		return fmt.Sprintf("%s may be read or changed by others (mode %04o): run chmod 600 %s", path, perm, Shell(path))
	}
	return ""
}

// Shell returns a path as it is typed into a shell.
func Shell(path string) string {
	if strings.IndexFunc(path, func(r rune) bool { return !strings.ContainsRune(plain, r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}

const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=@%:,"
