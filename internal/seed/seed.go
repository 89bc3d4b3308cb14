// Package seed reads seed files: TOML that declares the keys of a dev server, and
// identities, of any server.
//
// It is strict: a member that it does not know, in exactly this spelling, is an
// error, and every error tells the line and what to do. It checks all that a file
// can be wrong in by itself but the language of policies; that, and what contradicts
// the clock or what is stored, package service finds. It makes nothing.
// docs/seed-file.md and docs/identities.md are the format.
package seed

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/keyhold/keyhold/internal/api"
)

// A File is what a seed file declares.
type File struct {
	Keys      []Key
	Accounts  []Account
	Policies  []Policy
	Providers []Provider
	Roles     []Role
	Users     []User
}

// A Key is one declared key.
type Key struct {
	Account, Region string
	Aliases         []string // with their prefix
	Request         api.SeedKeyRequest

	*place
}

// Errorf returns an error in a member of what is declared, or where that begins when
// the file does not mention the member: "seed.toml:12: material: …".
func (p *place) Errorf(member, format string, args ...any) error {
	return p.errorf(member, format, args...)
}

// Defaults stand for what a file does not say.
type Defaults struct {
	Account, Region string
	// ReadFile reads the files that a file names, such as policies; without it
	// there may be none.
	ReadFile func(name string) ([]byte, error)
}

// The sizes of the largest file that is read, and of the largest that it names, in
// bytes.
const (
	maxSize  = 1 << 20
	maxNamed = 64 << 10
)

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
	d.ReadFile = func(named string) ([]byte, error) { return readSmall(filepath.Dir(name), named) }
	return Parse(name, text, d)
}

// readSmall reads a file that a seed file in the folder names.
func readSmall(folder, name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(folder, name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxNamed+1))
	if err == nil && len(text) > maxNamed {
		err = fmt.Errorf("%s has more than %d bytes", name, maxNamed)
	}
	return text, err
}

// Parse reads the text of a file; errors call it by the name.
func Parse(name string, text []byte, d Defaults) (File, error) {
	doc, err := decode(name, text)
	if err != nil {
		return File{}, err
	}
	var f File
	for _, e := range doc.Keys {
		k, err := e.key(doc.Region, d)
		if err != nil {
			return File{}, err
		}
		f.Keys = append(f.Keys, k)
	}
	if err := f.takeIdentities(doc, d); err != nil {
		return File{}, err
	}
	return f, f.checkUnique()
}
