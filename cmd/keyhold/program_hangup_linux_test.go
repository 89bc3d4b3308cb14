package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestClosedTerminal checks that a server ends in order when its terminal is closed.
func TestClosedTerminal(t *testing.T) {
	t.Parallel()
	program := buildProgram(t)
	master, terminal := openTerminal(t)
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute) // only a server that ignores the signal needs so long
	defer stop()
	c := exec.CommandContext(ctx, program, "dev", "--addr", "127.0.0.1:0")
	c.Stdin, c.Stdout, c.Stderr = terminal, in, &stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	c.WaitDelay = time.Minute
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	in.Close()
	if _, err := out.Read(make([]byte, 100)); err != nil { // the beginning of the banner
		t.Fatal(err, &stderr)
	}
	master.Close()
	if err := c.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &stderr)
	}
}

// openTerminal returns both ends of a new pseudoterminal.
func openTerminal(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("this machine has no pseudoterminals: %v", err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	terminal, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, terminal
}
