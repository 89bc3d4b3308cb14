package programtest

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"syscall"
	"testing"
)

// A server is started when it has printed its endpoint, and its output goes on.
func TestStart(t *testing.T) {
	var out bytes.Buffer
	c := exec.Command("sh", "-c", `trap 'echo more; exit 3' TERM
		echo no endpoint; printf '  endpoint     http'; echo '://127.0.0.1:1'; while sleep 0.01; do :; done`)
	c.Stdout = &out
	s, err := Start(t.Context(), c)
	if err != nil || s.Endpoint != "http://127.0.0.1:1" {
		t.Fatal(s, err)
	}
	if err := s.End(syscall.SIGTERM); err == nil || err.Error() != "exit status 3" {
		t.Error(err)
	}
	if err := s.End(syscall.SIGTERM); err == nil {
		t.Error("the end is forgotten")
	}
	if want := "no endpoint\n  endpoint     http://127.0.0.1:1\nmore\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}

// A program that names no endpoint is an error, and has ended.
func TestStartFails(t *testing.T) {
	for _, script := range []string{"exit 0", "exit 3", "echo an endpoint is missing"} {
		if s, err := Start(t.Context(), exec.Command("sh", "-c", script)); err == nil {
			t.Errorf("%s: %v", script, s)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := exec.Command("sleep", "600")
	if _, err := Start(ctx, c); !errors.Is(err, context.Canceled) || c.ProcessState == nil {
		t.Errorf("%v, and the program has ended: %v", err, c.ProcessState)
	}
}
