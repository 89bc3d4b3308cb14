package browser

import (
	"bytes"
	"os/exec"
	"syscall"
	"testing"

	"github.com/keyhold/keyhold/internal/programtest"
)

// startDev starts keyhold dev with flags, and returns its endpoint. The server ends with the test.
func startDev(t *testing.T, flags ...string) (endpoint string) {
	t.Helper()
	return start(t, append([]string{"dev", "--addr", "127.0.0.1:0"}, flags...)...).Endpoint
}

// start starts keyhold with words.
func start(t *testing.T, words ...string) *programtest.Server {
	t.Helper()
	var log bytes.Buffer
	c := exec.Command(program, words...)
	c.Dir, c.Stderr = t.TempDir(), &log
	s, err := programtest.Start(t.Context(), c)
	if err != nil {
		t.Fatalf("the server does not start: %v\n%s", err, log.String())
	}
	t.Cleanup(func() {
		_ = s.End(syscall.SIGKILL) // reports that it was killed
		if t.Failed() {
			t.Logf("the log of the server:\n%s", log.String())
		}
	})
	return s
}
