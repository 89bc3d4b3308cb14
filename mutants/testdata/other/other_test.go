// Package other tests another package with a program that runs in a process of its own.
package other

import (
	"os/exec"
	"path/filepath"
	"testing"
)

func TestProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if out, err := exec.Command("go", "build", "-o", program, "./program").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := exec.Command(program).Run(); err != nil {
		t.Error(err)
	}
}
