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
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return made, err
	}
	defer os.Remove(part)
	made, err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return made, err
	}
	if err := os.Link(part, path); err != nil { // unlike a rename, it replaces no file
		return made, fmt.Errorf("give the backup its name: %w", err)
	}
	return made, durable.SyncFolder(filepath.Dir(path))
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
