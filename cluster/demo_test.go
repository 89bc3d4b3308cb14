package cluster

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/programtest"
)

// The program of make demo-cluster kills a node in the middle of imports, and finds that nothing was lost.
func TestDemo(t *testing.T) {
	t.Parallel()
	demo := programtest.Build(t, "..", "./examples/three-nodes")
	c := exec.CommandContext(t.Context(), demo, "-keyhold", buildProgram(t), "-etcd", os.Args[0])
	c.Env = append(os.Environ(), asServer+"=1")
	out, err := c.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "nothing was lost") {
		t.Errorf("%v\n%s", err, out)
	}
}
