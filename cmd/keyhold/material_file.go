package main

import (
	"fmt"
	"io"
	"os"

	"github.com/keyhold/keyhold/byok"
)

// A materialFile is a file of key material. Its content is in one place in memory until clear.
type materialFile struct {
	path     string // "-" is standard input
	content  []byte
	original *byok.Original // in the content
}

// openMaterialFile reads a file, and asks for the passphrase of an encrypted private key.
func openMaterialFile(path string, passphrase func() ([]byte, error)) (*materialFile, error) {
	content, err := readMaterialFile(path)
	if err != nil {
		return nil, err
	}
	f := &materialFile{path: path, content: content}
	if f.original, err = byok.ReadOriginal(content, passphrase); err != nil {
		clear(content)
		return nil, fmt.Errorf("the key material in %s: %w", materialFileName(path), err)
	}
	return f, nil
}

func (f *materialFile) clear() {
	clear(f.content)
	f.original.Clear()
}

// material returns the material for a key of the given spec, and reports how the file was
// read. The caller clears the material.
func (f *materialFile) material(keySpec string, progress printer) ([]byte, error) {
	name := materialFileName(f.path)
	m, err := f.original.Material(keySpec)
	if err != nil {
		return nil, fmt.Errorf("the key material in %s: %w", name, err)
	}
	if m.PublicKey != nil {
		progress.step("Material", "a private key of the spec %s (%s), from %s", keySpec, m.Form, name)
	} else {
		progress.step("Material", "%d bytes, %s, from %s", len(m.Bytes), m.Form, name)
	}
	if m.Doubt != "" {
		progress.more("%s", m.Doubt)
	}
	f.warnOfMode(progress)
	return m.Bytes, nil
}

// warnOfMode warns if users other than the owner may read the file.
func (f *materialFile) warnOfMode(progress printer) {
	info, err := os.Stat(f.path)
	if err == nil && info.Mode().IsRegular() && info.Mode()&0o077 != 0 {
		progress.step("Careful", "other users may be able to read %s (mode %04o): run chmod 600 %s",
			f.path, info.Mode().Perm(), f.path)
	}
}

// materialFileName returns the name of a file for people.
func materialFileName(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}

// maxMaterialFile is more than any key material has as text, with certificates around it.
const maxMaterialFile = 64 << 10

// readMaterialFile reads a file into one buffer. A buffer that grows would leave copies behind.
func readMaterialFile(path string) ([]byte, error) {
	f := os.Stdin
	if path != "-" {
		var err error
		if f, err = os.Open(path); err != nil {
			return nil, fmt.Errorf("the key material: %w", err)
		}
		defer f.Close()
	}
	content := make([]byte, maxMaterialFile+1)
	n, err := io.ReadFull(f, content)
	switch {
	case err == nil:
		clear(content)
		return nil, fmt.Errorf("%s has more than %d bytes: it is not a file of key material", path, maxMaterialFile)
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		clear(content)
		return nil, fmt.Errorf("read the key material: %w", err)
	}
	return content[:n], nil
}
