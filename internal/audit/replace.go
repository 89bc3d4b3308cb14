package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// writeFile replaces a file by another one that is durable. The name is durable after the next sync of its folder.
func writeFile(path string, data []byte) error {
	replace, err := prepareFile(path, data)
	if err != nil {
		return err
	}
	return replace()
}

// prepareFile makes data durable beside a file, and returns the function that replaces the file.
func prepareFile(path string, data []byte) (replace func() error, err error) {
	r, err := startReplacement(path, data)
	if err == nil {
		err = r.sync()
	}
	if err != nil {
		return nil, err
	}
	return r.rename, nil
}

// A replacement is an open file that is to replace the file at path. A method that fails removes it.
type replacement struct {
	path string
	file *os.File
}

// startReplacement writes a file, and the folder for it if necessary. The file is not durable yet.
func startReplacement(path string, data []byte) (r replacement, err error) {
	temporary := path + temporarySuffix
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err == nil {
			f, err = os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		}
	}
	if err != nil {
		return r, fmt.Errorf("audit: %w", err)
	}
	r = replacement{path, f}
	_, err = f.Write(data)
	return r, r.orDiscard(err)
}

// sync makes the file durable, and closes it.
func (r replacement) sync() error { return r.orDiscard(errors.Join(r.file.Sync(), r.file.Close())) }

// rename gives the file its name.
func (r replacement) rename() error { return r.orDiscard(os.Rename(r.file.Name(), r.path)) }

// orDiscard returns err. If err is not nil, it removes the file.
func (r replacement) orDiscard(err error) error {
	if err == nil {
		return nil
	}
	replacements{r}.discard()
	return fmt.Errorf("audit: %w", err)
}

// replacements are files of which none has its name yet.
type replacements []replacement

// discard closes and removes the files.
func (all replacements) discard() {
	for _, r := range all {
		r.file.Close() // fails if it is closed already
		os.Remove(r.file.Name())
	}
}
