package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/keyhold/keyhold/internal/backup"
	"github.com/keyhold/keyhold/internal/durable"
)

// newBackupFile returns the path of a new backup: to, or a name in the folder to.
func newBackupFile(to string, now time.Time) (path string, err error) {
	info, err := os.Stat(to)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return to, nil
	case err != nil:
		return "", err
	case !info.IsDir():
		return "", fmt.Errorf("%s exists already, and a backup replaces no file: give another name with --to", to)
	}
	return filepath.Join(to, now.UTC().Format("keyhold-20060102T150405Z.backup")), nil
}

// writeBackupFile makes a file that has a whole backup, or no file. Until then the file has the ending ".part".
func writeBackupFile(path string, write func(io.Writer) (backup.Outer, error)) (made backup.Outer, err error) {
	folder, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return made, err
	}
	defer folder.Close()
	name := filepath.Base(path)
	part := name + ".part"
	f, err := openPart(folder, part)
	if err != nil {
		return made, fmt.Errorf("%s.part: %w", path, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }() // last: until then no other command has the lock
	defer folder.Remove(part)
	if made, err = write(f); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return made, err
	}
	if err := folder.Link(part, name); err != nil { // unlike a rename, it replaces no file
		return made, fmt.Errorf("give the backup its name: %w", err)
	}
	return made, durable.SyncFolder(filepath.Dir(path))
}

var errPart = errors.New("this is not a file that a backup left: remove it, or give another name with --to")

// openPart opens and locks the file of an unfinished backup, and removes its content. It follows no link, because
// others can have made the link in a folder in which they may make files. Two commands never write to one file.
func openPart(folder *os.Root, name string) (f *os.File, err error) {
	if info, err := folder.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return nil, errPart
	}
	if f, err = folder.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	if err = durable.Lock(f); err == nil {
		err = isNamed(folder, name, f)
	}
	if err == nil {
		err = errors.Join(f.Chmod(0o600), f.Truncate(0))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// isNamed returns an error unless a name in a folder is the name of an open file. The
// command that had the lock before may have removed the name, and given the file the name of a backup.
func isNamed(folder *os.Root, name string, f *os.File) error {
	named, err := folder.Lstat(name)
	if err != nil {
		return err
	}
	opened, err := f.Stat()
	if err == nil && !(named.Mode().IsRegular() && os.SameFile(named, opened)) {
		err = errPart
	}
	return err
}

// A dataWriter writes data as it is, unless the device is a terminal.
type dataWriter struct{ to io.Writer }

func (d dataWriter) Write(p []byte) (int, error) {
	if err := writeData(d.to, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// periodic runs a function at most once a second.
type periodic struct{ next time.Time }

func newPeriodic(now time.Time) *periodic { return &periodic{now.Add(time.Second)} }

func (p *periodic) each(fn func()) {
	if now := time.Now(); now.After(p.next) {
		fn()
		p.next = now.Add(time.Second)
	}
}
