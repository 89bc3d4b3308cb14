// Package custodytest runs tokens of SoftHSM and TPMs of swtpm for tests of custodies.
package custodytest

import (
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/keyhold/keyhold/internal/programtest"
)

// SoftHSM is the path of the PKCS#11 library of SoftHSM.
const SoftHSM = "/usr/lib/softhsm/libsofthsm2.so"

// A Token is a folder with tokens of SoftHSM, and a copy of keyhold-pkcs11 in PATH.
type Token struct {
	Folder  string // of the tokens
	Program string // keyhold-pkcs11
	PIN     string
	PINFile string
	Query   string // of a URI with PINFile
	t       *testing.T
}

// NewToken makes the token keyhold, and builds keyhold-pkcs11. root is the path of the main folder of the project. It
// sets the environment of the test.
func NewToken(t *testing.T, root string) *Token {
	t.Helper()
	need(t, "softhsm2-util", "pkcs11-tool", "gcc")
	dir := t.TempDir()
	s := &Token{
		Folder: filepath.Join(dir, "tokens"), Program: filepath.Join(dir, "bin", "keyhold-pkcs11"),
		PIN: "secret-pin-" + rand.Text(), PINFile: filepath.Join(dir, "pin"), t: t,
	}
	conf := filepath.Join(dir, "softhsm2.conf")
	check(t, os.Mkdir(s.Folder, 0o700))
	check(t, os.Mkdir(filepath.Dir(s.Program), 0o700))
	check(t, os.WriteFile(s.PINFile, []byte(s.PIN+"\n"), 0o600))
	check(t, os.WriteFile(conf, []byte("directories.tokendir = "+s.Folder+"\nobjectstore.backend = file\n"), 0o600))
	t.Setenv("CGO_ENABLED", "1")
	check(t, os.Rename(programtest.Build(t, filepath.Join(root, "pkcs11"), "."), s.Program))
	t.Setenv("CGO_ENABLED", "0")
	t.Setenv("SOFTHSM2_CONF", conf)
	t.Setenv("PATH", filepath.Dir(s.Program)+":"+os.Getenv("PATH"))
	s.Query = "?module-path=" + SoftHSM + "&x-env=SOFTHSM2_CONF&pin-source=" + s.PINFile
	s.Make("keyhold")
	return s
}

// Make makes a token.
func (s *Token) Make(label string) {
	s.t.Helper()
	s.Run("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "security-officer", "--pin", s.PIN)
}

// Run runs a program, and returns its output.
func (s *Token) Run(name string, args ...string) string {
	s.t.Helper()
	out, err := exec.CommandContext(s.t.Context(), name, args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// Replace puts a shell script in place of keyhold-pkcs11, until the function that it returns is called. $REAL is the
// path of the program.
func (s *Token) Replace(script string) (restore func()) {
	s.t.Helper()
	real := s.Program + ".real"
	next := s.Program + ".next"
	text := "#!/bin/sh\nREAL=" + real + "\n" + script + "\n"
	check(s.t, errors.Join(os.WriteFile(next, []byte(text), 0o700), os.Link(s.Program, real), os.Rename(next, s.Program)))
	return func() { check(s.t, os.Rename(real, s.Program)) }
}

func need(t *testing.T, tools ...string) {
	t.Helper()
	for _, name := range tools {
		if _, err := exec.LookPath(name); err != nil {
			t.Fatalf("%v: run make deps", err)
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
