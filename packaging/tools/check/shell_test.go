package check

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// A shell is one that root has opened on a machine. Its variables stay from step to step.
type shell struct {
	in  io.Writer
	out *bufio.Reader
}

// shell opens a shell, which ends when a command fails.
func (m machine) shell(t *testing.T) *shell {
	t.Helper()
	return newShell(t, exec.Command("nsenter", "-t", m.leader, "-m", "-u", "-i", "-n", "-p", "--", "env", "-i", "-C", "/root",
		"PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "DEBIAN_FRONTEND=noninteractive",
		"bash", "-e", "-o", "pipefail"))
}

// newShell starts a command that is a shell.
func newShell(t *testing.T, c *exec.Cmd) *shell {
	t.Helper()
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr = c.Stdout
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill() // fails if a command has ended the shell
		_ = c.Wait()
	})
	return &shell{in, bufio.NewReader(read)}
}

// run runs commands, and returns their output.
func (s *shell) run(script string) (string, error) {
	const end = "@end of the step@\n"
	if _, err := fmt.Fprintf(s.in, "{\n%s\n} < /dev/null\necho '%s'\n", script, strings.TrimSpace(end)); err != nil {
		return "", err
	}
	var printed strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if before, ok := strings.CutSuffix(line, end); ok {
			return printed.String() + before, nil
		}
		printed.WriteString(line)
		if err != nil {
			return printed.String(), fmt.Errorf("a command failed: %w", err)
		}
	}
}
