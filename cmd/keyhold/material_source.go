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
	"github.com/keyhold/keyhold/internal/key"
)

// A source is where key material comes from: exactly one of its flags is given.
// What is read is in one place in memory until clear.
type source struct {
	from, generate, passphraseFile string

	content  []byte         // of the file from
	original *byok.Original // that is in it
}

func (s *source) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.from, "from", "", "file of your key material, or - for standard input: raw bytes, hexadecimal, base64, a private key in PEM or DER, or a JWK (docs/import-files.md lists all formats)")
	c.Flags().StringVar(&s.generate, "generate", "", "make new key material, and save the original in this new file")
	c.Flags().StringVar(&s.passphraseFile, "passphrase-file", "", "file of the passphrase of an encrypted private key (default: ask for it on the terminal)")
}

func (s *source) check() error {
	if (s.from == "") == (s.generate == "") {
		return usageError{errors.New("give your key material with --from FILE, or make new material with --generate FILE")}
	}
	return nil
}

// read reads the file, if one is given, so that faults in it are found before
// anything is sent.
func (s *source) read() (err error) {
	if s.from == "" {
		if _, err := os.Lstat(s.generate); err == nil {
			return fmt.Errorf("%s exists already and is not overwritten: to import its content, give --from %s", s.generate, s.generate)
		}
		return nil
	}
	if s.content, err = readMaterial(s.from); err != nil {
		return err
	}
	if s.original, err = byok.ReadOriginal(s.content, s.passphrase); err != nil {
		return fmt.Errorf("the key material in %s: %w", nameOf(s.from), err)
	}
	return nil
}

func (s *source) clear() {
	clear(s.content)
	if s.original != nil {
		s.original.Clear()
	}
}

// spec returns the only key spec that the material can have, or SYMMETRIC_DEFAULT for
// bytes of unknown purpose.
func (s *source) spec() string {
	if s.original != nil && s.original.KeySpec() != "" {
		return s.original.KeySpec()
	}
	return string(key.SymmetricDefault)
}

// checkSpec checks that the source can have material for a key of the given spec.
func (s *source) checkSpec(keySpec string) error {
	if byok.HasPrivateKey(keySpec) && s.from == "" {
		return usageError{fmt.Errorf("--generate makes random bytes, but a key of the spec %s needs a private key: make one with openssl genpkey, and give it with --from FILE", keySpec)}
	}
	return nil
}

// material returns the material for a key of the given spec, and reports how it was read.
// The caller clears it.
func (s *source) material(keySpec string, progress printer) ([]byte, error) {
	if err := s.checkSpec(keySpec); err != nil {
		return nil, err
	}
	if s.from != "" {
		return materialOf(s.original, keySpec, s.from, progress)
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

// materialOf returns the material of a file and reports how it read the file.
func materialOf(original *byok.Original, keySpec, file string, progress printer) ([]byte, error) {
	m, err := original.Material(keySpec)
	if err != nil {
		return nil, fmt.Errorf("the key material in %s: %w", nameOf(file), err)
	}
	if m.PublicKey != nil {
		progress.step("Material", "a private key of the spec %s (%s), from %s", keySpec, m.Form, nameOf(file))
	} else {
		progress.step("Material", "%d bytes, %s, from %s", len(m.Bytes), m.Form, nameOf(file))
	}
	if m.Doubt != "" {
		progress.more("%s", m.Doubt)
	}
	warnOfMode(file, progress)
	return m.Bytes, nil
}

// warnOfMode says if others than its owner may read a file of key material.
func warnOfMode(file string, progress printer) {
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o077 != 0 {
		progress.step("Careful", "other users may be able to read %s (mode %04o): run chmod 600 %s", file, info.Mode().Perm(), file)
	}
}

func nameOf(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

// maxMaterialFile is more than any key material takes, written as text, with
// certificates around it.
const maxMaterialFile = 64 << 10

// readMaterial reads a small file into one buffer, which leaves no copies behind as
// a growing one would.
func readMaterial(path string) ([]byte, error) {
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

// generateMaterial makes random material and has the original on disk before it
// returns, in a file that was not there before.
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
