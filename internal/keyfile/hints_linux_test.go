package keyfile

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// checkHint runs the command of a refusal. The command must not change the file, and must write a
// file that can be read.
func (w workshop) checkHint(t *testing.T, row format, n *NotRead, content []byte) {
	if n.Command == "" {
		return
	}
	_, err := read(w.follow(t, n.Command, content), row.spec)
	if further, ok := errors.AsType[*NotRead](err); ok && further.Kind == n.Kind && further.Command != n.Command {
		return // decoded once
	}
	if err != nil {
		t.Errorf("%s: the new file is not read: %v", n.Command, err)
	}
}

// The commands of the errors about sizes work, too.
func TestHintsOfSizes(t *testing.T) {
	w := newWorkshop(t)
	for _, c := range []struct{ makes, spec, want string }{
		{"cat 32.bin; echo", "SYMMETRIC_DEFAULT", "cat 32.bin"},
		{"cat 48.bin; echo", "HMAC_384", "cat 48.bin"},
		{"echo 'correct-horse-battery-staple!-0123456789'", "HMAC_256", "printf 'correct-horse-battery-staple!-0123456789'"},
		{"printf '%032x\n' 1", "SYMMETRIC_DEFAULT", "printf %032x 1"},
		{"xxd -p -c 64 32.bin", "HMAC_512", "xxd -p -c 64 32.bin |tr -d '\n'"},
	} {
		t.Run(c.makes, func(t *testing.T) {
			content := w.mustRun(t, c.makes)
			_, err := read(content, c.spec)
			if err == nil {
				t.Fatal("the file is read")
			}
			i := strings.LastIndex(err.Error(), ": ")
			m, err := read(w.follow(t, err.Error()[i+2:], content), c.spec)
			if err != nil || !bytes.Equal(m.Bytes, w.mustRun(t, c.want)) {
				t.Error(err)
			}
		})
	}
}

// follow runs a command at a terminal, like a user, and returns the new file.
func (w workshop) follow(t *testing.T, command string, content []byte) []byte {
	t.Helper()
	file, written := filepath.Join(w.dir, "the file"), filepath.Join(w.dir, "the new file")
	for _, path := range []string{file, written, written + ".p12"} {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	w.write(t, "the file", content)
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	command = strings.NewReplacer("keyhold import KEY --from - --expires 90d", "cat > '"+written+"'", "FILE", "'"+file+"'", "NEW.p12", "'"+written+".p12'",
		"NEW", "'"+written+"'", "IDENTITY", "i").Replace(command)
	out, err := w.atTerminal(t, command)
	if err != nil {
		if m := optional.FindStringSubmatch(out); m != nil {
			t.Skipf("%s is not installed", m[1])
		}
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	after, err := os.Stat(file)
	if err != nil || after.ModTime() != before.ModTime() || after.Mode() != before.Mode() || !os.SameFile(after, before) {
		t.Errorf("%s: the file was changed: %v", command, err)
	}
	if now, err := os.ReadFile(file); err != nil || !bytes.Equal(now, content) {
		t.Errorf("%s: the content of the file was changed: %v", command, err)
	}
	for _, path := range []string{written, written + ".p12"} {
		info, err := os.Stat(path)
		if err == nil && info.Mode()&0o077 != 0 && !strings.Contains(command, "cat > ") {
			t.Errorf("%s: others may read %s (mode %04o)", command, path, info.Mode())
		}
	}
	result, err := os.ReadFile(written)
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return result
}

// atTerminal runs a command with a terminal, and answers each question with the passphrase.
func (w workshop) atTerminal(t *testing.T, command string) (string, error) {
	t.Helper()
	terminal, name := openTerminal(t)
	tty, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", "umask 022; set -o pipefail; "+command)
	cmd.Dir = w.dir
	cmd.Env = append(os.Environ(), "GNUPGHOME="+w.dir+"/gnupg", "DISPLAY=", "GPG_TTY="+name)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	answers := make(chan string)
	go func() { answers <- answer(terminal) }()
	err = cmd.Wait()
	terminal.Close() // the agent of gpg continues, and keeps the other side open
	return <-answers, err
}

// answer types the passphrase at each prompt, until the terminal is closed.
func answer(terminal *os.File) string {
	var out bytes.Buffer
	chunk := make([]byte, 4096)
	for {
		n, err := terminal.Read(chunk)
		out.Write(chunk[:n])
		if strings.HasSuffix(strings.TrimRight(string(chunk[:n]), " "), ":") {
			waitForSilence(terminal)
			io.WriteString(terminal, "secret12\n")
		}
		if err != nil {
			return out.String()
		}
	}
}

// waitForSilence waits until the terminal does not echo. A program that asks for a passphrase
// turns the echo off, and may drop earlier input. Some programs leave the echo on, so the wait is
// limited.
func waitForSilence(terminal *os.File) {
	raw, err := terminal.SyscallConn()
	if err != nil {
		return
	}
	for range 300 {
		echo := true
		raw.Control(func(fd uintptr) {
			state, err := unix.IoctlGetTermios(int(fd), unix.TCGETS)
			echo = err == nil && state.Lflag&unix.ECHO != 0
		})
		if !echo {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func openTerminal(t *testing.T) (*os.File, string) {
	t.Helper()
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	raw, err := f.SyscallConn() // Fd would make reads block Close
	if err != nil {
		t.Fatal(err)
	}
	var number int
	var unlock, name error
	err = raw.Control(func(fd uintptr) {
		unlock = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0)
		number, name = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
	})
	if err := errors.Join(err, unlock, name); err != nil {
		t.Fatal(err)
	}
	return f, "/dev/pts/" + strconv.Itoa(number)
}
