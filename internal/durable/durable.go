// Package durable makes new files and the entries of folders survive a loss of power.
//
// It keeps no file open. Package audit and package store/local sync the
// files that they write to themselves.
package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// CreateFile creates a file with the content, mode 0600. When CreateFile returns nil, the
// content and the name of the file are on disk. It fails if the file exists
// (fs.ErrExist). After another error the file may exist, with a part of the content.
func CreateFile(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// SyncFolder makes the entries of a folder durable.
func SyncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
