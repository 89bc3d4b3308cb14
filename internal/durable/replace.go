package durable

import (
	"errors"
	"os"
	"path/filepath"
)

// ReplaceFile gives the file the content, mode 0600, and creates the file if necessary. After a loss of power the file
// has the old content or the new one; when ReplaceFile returns nil, it has the new one. Only one caller at a time may
// replace a file: the new content is first in another file of the folder, with the ending ".new".
func ReplaceFile(path string, content []byte) error {
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err := CreateFile(fresh, content); err != nil {
		return errors.Join(err, removeIfThere(fresh))
	}
	if err := os.Rename(fresh, path); err != nil {
		return errors.Join(err, removeIfThere(fresh))
	}
	return SyncFolder(filepath.Dir(path))
}

func removeIfThere(path string) error {
	err := os.Remove(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
