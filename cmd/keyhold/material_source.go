package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/byok"
	"github.com/keyhold/keyhold/internal/durable"
)

// A source is where key material comes from: exactly one of from, generate and shares is set.
type source struct {
	from, generate, passphraseFile string
	shares                         givenShares
	fips                           fipsOption

	file    *materialFile    // the file from, once it is read
	brought *broughtMaterial // by the shares, once they are read
}

func (s *source) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.from, "from", "",
		"file of your key material, or - for standard input: raw bytes, hexadecimal, base64, "+
			"a private key in PEM or DER, or a JWK (docs/import-files.md lists all formats)")
	c.Flags().StringVar(&s.generate, "generate", "",
		"make new key material, and save the original in this new file")
	c.Flags().StringVar(&s.passphraseFile, "passphrase-file", "",
		"file of the passphrase of an encrypted private key (default: ask for it on the terminal)")
	s.shares.flags(c, "from-shares", "the material, which --escrow-to wrote")
	s.fips.flags(c)
}

// shared reports whether the material comes from shares.
func (s *source) shared() bool { return len(s.shares.files) > 0 }

func (s *source) check() error {
	ways := 0
	for _, way := range []bool{s.from != "", s.generate != "", s.shared()} {
		if way {
			ways++
		}
	}
	if ways != 1 {
		return usageError{errors.New(
			"give your key material with --from FILE or --from-shares FILE, or make new material with --generate FILE")}
	}
	return nil
}

// read reads the file of --from, and refuses to overwrite the file of --generate. Errors are
// found before anything is sent.
func (s *source) read() (err error) {
	switch {
	case s.shared():
		s.brought, err = readSharedMaterial(s.shares)
		return err
	case s.from != "":
		s.file, err = openMaterialFile(s.from, s.passphrase)
		return err
	}
	if _, err := os.Lstat(s.generate); err == nil {
		return fmt.Errorf("%s exists already and is not overwritten: to import its content, give --from %s",
			s.generate, s.generate)
	}
	return nil
}

// clear erases the file in memory.
func (s *source) clear() {
	if s.file != nil {
		s.file.clear()
	}
	if s.brought != nil {
		clear(s.brought.bytes)
	}
}

// spec returns the only key spec that the material can have, or SYMMETRIC_DEFAULT for
// bytes of unknown purpose.
func (s *source) spec() string {
	switch {
	case s.brought != nil:
		return s.brought.Form
	case s.file != nil && s.file.original.KeySpec() != "":
		return s.file.original.KeySpec()
	}
	return symmetricSpec
}

// checkSpec checks that the source can have material for a key of the given spec.
func (s *source) checkSpec(keySpec string) error {
	if byok.HasPrivateKey(keySpec) && s.generate != "" {
		return usageError{fmt.Errorf("--generate makes random bytes, but a key of the spec %s needs a private key: "+
			"make one with openssl genpkey, and give it with --from FILE", keySpec)}
	}
	return nil
}

// material returns the material for a key of the given spec, and reports how it was read or
// made. The caller clears the material.
func (s *source) material(keySpec string, progress printer) ([]byte, error) {
	if err := s.checkSpec(keySpec); err != nil {
		return nil, err
	}
	switch {
	case s.brought != nil:
		return s.brought.material(keySpec, progress)
	case s.file != nil:
		return s.file.material(keySpec, progress)
	}
	size, _, err := byok.MaterialSizes(keySpec)
	if err != nil {
		return nil, err
	}
	material, err := generateMaterial(s.generate, size)
	if err != nil {
		return nil, err
	}
	progress.step("Material", "%d random bytes, made here; the original is %s: keep it, and a copy", size, s.generate)
	return material, nil
}

// generateMaterial makes random material. Before it returns, the original is durable in a
// file that did not exist before.
func generateMaterial(path string, size int) (material []byte, err error) {
	material = make([]byte, size)
	rand.Read(material)
	err = durable.CreateFile(path, material)
	if err == nil {
		return material, nil
	}
	clear(material)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("--generate does not overwrite files: %w", err)
	}
	return nil, fmt.Errorf("keep the original of the key material: %w", err)
}

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
