// Package check tests the packages that packaging/build has made, with the programs of their users:
// systemd, runc, pip, npm. Each test needs its package in the folder DIST.
package check

import (
	"bytes"
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// repository is the folder of the repository.
const repository = "../../.."

// artefact returns the one file in DIST that a pattern matches.
func artefact(t *testing.T, pattern string) string {
	t.Helper()
	folder, err := filepath.Abs(filepath.Join(repository, cmp.Or(os.Getenv("DIST"), "dist")))
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s has %d files %s: run make packages first", folder, len(found), pattern)
	}
	return found[0]
}

// run runs a command, and fails the test if the command fails.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := try(t, name, args...)
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return out
}

// try runs a command, and returns its output.
func try(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = &out, &out
	err := c.Run()
	return out.String(), err
}
