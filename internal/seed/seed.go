// Package seed reads seed files: TOML that declares the keys of a dev server.
//
// It is strict: a member that it does not know, in exactly this spelling, is an
// error, and every error tells the line and what to do. It checks all that a file
// can be wrong in by itself; what contradicts the clock or the keys that are
// stored, package service finds. It makes no key. docs/seed-file.md is the format.
package seed

import (
	"fmt"
	"os"

	"github.com/keyhold/keyhold/internal/api"
)

// A File is what a seed file declares.
type File struct {
	Keys []Key
}

// A Key is one declared key.
type Key struct {
	Account, Region string
	Aliases         []string // with their prefix
	Request         api.SeedKeyRequest

	place place
}

// Errorf returns an error in a member of the key, or where the key begins when the
// file does not mention the member: "seed.toml:12: material: …".
func (k Key) Errorf(member, format string, args ...any) error {
	return k.place.errorf(member, format, args...)
}

// Defaults stand for what a file does not say.
type Defaults struct{ Account, Region string }

// maxSize is the size of the largest file that is read, in bytes.
const maxSize = 1 << 20

// Read reads the file of the given name.
func Read(name string, d Defaults) (File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return File{}, fmt.Errorf("the seed file: %w", err)
	}
	if info.Size() > maxSize {
		return File{}, fmt.Errorf("the seed file %s has more than %d bytes: seeds are for the keys of a test", name, maxSize)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return File{}, fmt.Errorf("the seed file: %w", err)
	}
	defer clear(text)
	return Parse(name, text, d)
}

// Parse reads the text of a file; errors call it by the name.
func Parse(name string, text []byte, d Defaults) (File, error) {
	doc, err := decode(name, text)
	if err != nil {
		return File{}, err
	}
	var f File
	for _, e := range doc.entries {
		k, err := e.key(doc.region, d)
		if err != nil {
			return File{}, err
		}
		f.Keys = append(f.Keys, k)
	}
	return f, f.checkUnique()
}
