package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// memory is how much memory a process can have, in KiB, so that an endless loop does not take all of the machine.
const memory = 8 << 20

// runGroup runs a program in a process group of its own, and discards its output. It kills the whole group at the
// time limit, and at the end: tests that stop early leave servers behind.
func runGroup(
	ctx context.Context, limit time.Duration, dir string, env []string, program string, args ...string,
) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	shell := []string{"-c", `ulimit -d ` + strconv.Itoa(memory) + ` && exec "$0" "$@"`, program}
	cmd := exec.CommandContext(ctx, "sh", append(shell, args...)...)
	cmd.Dir, cmd.Env = dir, env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Start(); err != nil {
		return err
	}
	err := cmd.Wait()
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	return err
}

// output returns the output of a command in a folder. The error has what the command wrote to its standard error.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, exit.Stderr)
	}
	return string(out), err
}
