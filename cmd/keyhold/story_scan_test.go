package main

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scan looks for the bytes of files in all files of the work folder: data, logs and responses. It
// leaves out the folder of the owner.
func (s step) scan() {
	for _, file := range s.args {
		found, files, err := findSecret(s.dir, []byte(s.ReadFile(file)))
		s.Check(err)
		switch {
		case len(found) > 0 && !s.neg:
			s.Fatalf("%s is in %s", file, strings.Join(found, " and in "))
		case len(found) == 0 && s.neg:
			s.Fatalf("%s is in none of %d files", file, files)
		}
		s.Logf("%s: in %v of %d files", file, found, files)
	}
}

// findSecret returns the files that hold the secret, or half of it, in any form.
func findSecret(dir string, secret []byte) (found []string, files int, err error) {
	if len(secret) < 2*minPiece {
		return nil, 0, fmt.Errorf("a secret of %d bytes is too short to be looked for", len(secret))
	}
	// Half of a secret is a secret too. With an odd length the halves overlap, so that none is too
	// short.
	half := (len(secret) + 1) / 2
	wanted := append(forms(secret[:half]), forms(secret[len(secret)-half:])...)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist): // a running server may remove a file
			return err
		case d.IsDir() && path == filepath.Join(dir, ownFolder):
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(path)
		files++
		for _, form := range wanted {
			if bytes.Contains(content, form) {
				found = append(found, path)
				break
			}
		}
		return err
	})
	return found, files, err
}

// minPiece is the number of bytes that a file does not hold by chance.
const minPiece = 8

// forms returns the encodings in which bytes may be in a file.
func forms(b []byte) [][]byte {
	all := [][]byte{b}
	for _, format := range []string{"%x", "%X", "% x", "% X"} {
		all = append(all, fmt.Appendf(nil, format, b))
	}
	decimal := strings.Trim(fmt.Sprint(b), "[]") // as Go prints a slice of bytes
	for _, comma := range []string{" ", ",", ", "} {
		all = append(all, []byte(strings.ReplaceAll(decimal, " ", comma)))
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			all = append(all, inBase64(encoding, before, b))
		}
	}
	return all
}

// inBase64 returns the characters for b that do not depend on the bytes around b. The number of
// bytes in front of b is before, or three or six more.
func inBase64(encoding *base64.Encoding, before int, b []byte) []byte {
	text := encoding.AppendEncode(nil, append(make([]byte, before), b...))
	if (before+len(b))%3 != 0 {
		text = text[:len(text)-1] // the last character also has bits of the next byte
	}
	return text[(before*8+5)/6:] // leaves out characters with bits of the bytes in front
}

// TestScanFinds checks that findSecret finds each form of a secret, and nothing else.
func TestScanFinds(t *testing.T) {
	secret := []byte("\xfb\xff\xbe material of 32 bytes or so \x01\xfe")
	encode := map[string]func(b []byte) string{
		"raw":          func(b []byte) string { return string(b) },
		"hex":          func(b []byte) string { return fmt.Sprintf("%x", b) },
		"HEX":          func(b []byte) string { return fmt.Sprintf("%X", b) },
		"a Go slice":   func(b []byte) string { return fmt.Sprint(b) },
		"base64":       base64.StdEncoding.EncodeToString,
		"base64 (URL)": base64.URLEncoding.EncodeToString,
	}
	for name, encode := range encode {
		for before := range 4 {
			for after := range 4 {
				around := func(b []byte) string {
					return encode(append(append(bytes.Repeat([]byte{0xaa}, before), b...), bytes.Repeat([]byte{0x55}, after)...))
				}
				for part, b := range map[string][]byte{"all": secret, "the head": secret[:len(secret)/2+1], "the tail": secret[len(secret)/2-1:]} {
					if !isFound(t, secret, around(b)) {
						t.Errorf("%s as %s with %d bytes before and %d after is not found", part, name, before, after)
					}
				}
				if isFound(t, secret, around(secret[4:8])) {
					t.Errorf("%s: found in a file without the secret", name)
				}
			}
		}
	}
}

func isFound(t *testing.T, secret []byte, content string) bool {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("some text "+content+" and more"), 0o600); err != nil {
		t.Fatal(err)
	}
	found, files, err := findSecret(dir, secret)
	if err != nil || files != 1 {
		t.Fatal(files, err)
	}
	return len(found) == 1
}
