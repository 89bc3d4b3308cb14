package cluster

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The program of make demo-cluster kills a node in the middle of imports, and finds that nothing was lost.
func TestDemo(t *testing.T) {
	demo := filepath.Join(t.TempDir(), "three-nodes")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", demo, "./examples/three-nodes")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := exec.CommandContext(t.Context(), demo, "-keyhold", buildProgram(t), "-etcd", os.Args[0])
	c.Env = append(os.Environ(), asServer+"=1")
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "nothing was lost") {
		t.Errorf("%v\n%s", err, out)
	}
}
