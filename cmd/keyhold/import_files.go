package main

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// maxSmallFile is more than a file of parameters or of wrapped material has, in bytes.
const maxSmallFile = 64 << 10

// readSmallFile reads a file, or standard input if the path is "-".
func readSmallFile(path string) ([]byte, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, err
		}
		defer f.Close()
	}
	content, err := io.ReadAll(io.LimitReader(f, maxSmallFile+1))
	if err == nil && len(content) > maxSmallFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxSmallFile)
	}
	return content, err
}

// checkNewFile returns an error if writeNewFile would find a file at the path.
func checkNewFile(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists already and is not overwritten: name another file, or remove this file", path)
	}
	return nil
}

// writeNewFile writes a file that did not exist before.
func writeNewFile(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}
