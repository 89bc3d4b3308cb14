package main

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/byok"
)

// A source is where key material comes from: exactly one of its flags is given.
// What is read is in one place in memory until clear.
type source struct {
	from, generate string
	content        []byte // of the file from
}

func (s *source) flags(c *cobra.Command) {
	c.Flags().StringVar(&s.from, "from", "", "file of your key material, or - for standard input; raw, hexadecimal or base64")
	c.Flags().StringVar(&s.generate, "generate", "", "make new key material, and keep the original in this new file")
}

func (s *source) check() error {
	if (s.from == "") == (s.generate == "") {
		return usageError{errors.New("give your key material with --from FILE, or have some made with --generate FILE")}
	}
	return nil
}

// read reads the file, if it is one, so that what is wrong with it comes out before
// anything is sent.
func (s *source) read() (err error) {
	if s.from == "" {
		if _, err := os.Lstat(s.generate); err == nil {
			return fmt.Errorf("%s is there already, and is not overwritten: to import what is in it, give --from %s", s.generate, s.generate)
		}
		return nil
	}
	s.content, err = readMaterial(s.from)
	return err
}

func (s *source) clear() { clear(s.content) }

// material returns the material for a key of the given spec and says what it found.
// The caller clears it.
func (s *source) material(keySpec string, say talk) ([]byte, error) {
	size, err := byok.MaterialSize(keySpec)
	if err != nil {
		return nil, err
	}
	if s.from == "" {
		material, err := generateMaterial(s.generate, size)
		if err != nil {
			return nil, err
		}
		say.step("Material", "%d random bytes, made here; the original is %s: keep it, and a copy", size, s.generate)
		return material, nil
	}
	return decodeMaterial(s.content, size, s.from, say)
}

// decodeMaterial says aloud what it took the content of a file for.
func decodeMaterial(content []byte, size int, file string, say talk) ([]byte, error) {
	material, encoding, err := byok.DecodeMaterial(content, size)
	if err != nil {
		return nil, fmt.Errorf("the key material in %s: %w", nameOf(file), err)
	}
	say.step("Material", "%d bytes, %s, from %s", size, encoding, nameOf(file))
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o077 != 0 {
		say.step("Careful", "%s may be read by others (mode %04o): chmod 600 %s", file, info.Mode().Perm(), file)
	}
	if encoding == byok.Raw && !bytes.ContainsFunc(material, unprintable) {
		say.more("all of these bytes are printable text, which random bytes are not: is this really the material?")
	}
	return material, nil
}

func nameOf(file string) string {
	if file == "-" {
		return "standard input"
	}
	return file
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }

// maxMaterialFile is more than any key material takes that this version wraps.
const maxMaterialFile = 4096

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
		return nil, fmt.Errorf("%s has more than %d bytes: it is no file of key material", path, maxMaterialFile)
	case err != io.EOF && err != io.ErrUnexpectedEOF:
		clear(content)
		return nil, fmt.Errorf("read the key material: %w", err)
	}
	return content[:n], nil
}

// generateMaterial makes random material and has the original on disk before it
// returns, in a file that was not there before.
func generateMaterial(path string, size int) (material []byte, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--generate makes a new file and overwrites none: %w", err)
	}
	material = make([]byte, size)
	rand.Read(material)
	_, err = f.Write(material)
	if err = errors.Join(err, f.Sync(), f.Close(), syncFolder(filepath.Dir(path))); err != nil {
		clear(material)
		return nil, fmt.Errorf("keep the original of the key material: %w", err)
	}
	return material, nil
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
