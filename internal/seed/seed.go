// Package seed reads seed files: TOML that declares keys for a dev server, and identities for any server.
//
// It is strict: a member whose name is not spelled exactly is an error, and every error contains the line and
// what to do. It checks everything that a file alone determines, except the syntax of policies. Package service
// checks policies, times, and conflicts with stored records. Package seed only reads files; it creates nothing.
// docs/seed-file.md and docs/identities.md describe the format.
package seed

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/keyhold/keyhold/internal/api"
)

// A File is the content of a seed file.
type File struct {
	// Region is where a client finds the keys: the region of the file or, without it, the
	// Region of all keys if they have only one, or else the default.
	Region    string
	Keys      []Key
	Accounts  []Account
	Policies  []Policy
	Providers []Provider
	Roles     []Role
	Users     []User
}

// A Key is a declared key.
type Key struct {
	Account, Region string
	Aliases         []string // with the prefix "alias/"
	Request         api.SeedKeyRequest

	*place
}

// Errorf returns an error for a member of the entry, such as "seed.toml:12: material: …". If the member is
// absent, the error has the line of the entry.
func (p *place) Errorf(member, format string, args ...any) error {
	return p.errorf(member, format, args...)
}

// Defaults are the values for members that a file omits.
type Defaults struct {
	Account, Region string
	// ReadFile reads the files that a file names, such as policies. If it is nil, a file must not name others.
	ReadFile func(name string) ([]byte, error)
}

// The maximum sizes of a seed file and of a file that it names, in bytes.
const (
	maxSize  = 1 << 20
	maxNamed = 64 << 10
)

// Read reads the seed file with the given name.
func Read(name string, d Defaults) (File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return File{}, fmt.Errorf("%s cannot be read: %w", name, errors.Unwrap(err))
	}
	if info.Size() > maxSize {
		return File{}, fmt.Errorf("%s has more than %d bytes", name, maxSize)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return File{}, fmt.Errorf("%s cannot be read: %w", name, errors.Unwrap(err))
	}
	defer clear(text)
	d.ReadFile = func(named string) ([]byte, error) { return readSmall(filepath.Dir(name), named) }
	return Parse(name, text, d)
}

// readSmall reads a file named in a seed file in the folder.
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

// Parse parses the text of a seed file. name is its name in errors.
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
	if err := f.addIdentities(doc, d); err != nil {
		return File{}, err
	}
	f.Region = valueOr(doc.Region, f.commonRegion(d.Region))
	return f, f.checkUnique()
}

// commonRegion returns the Region of all keys, or the default if they have several or none.
func (f File) commonRegion(def string) string {
	if len(f.Keys) == 0 {
		return def
	}
	first := f.Keys[0].Region
	for _, k := range f.Keys {
		if k.Region != first {
			return def
		}
	}
	return first
}
