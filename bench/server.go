package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sys/unix"
)

// A server is a process under measurement.
type server struct {
	name string
	addr string
	cmd  *exec.Cmd
	data string // folder to remove at the end
	root aws.Credentials
}

// startKeyhold starts the program as a dev server on a new data folder. where determines its processors.
func (s settings) startKeyhold(where placement, flags ...string) (*server, error) {
	data, err := os.MkdirTemp("", "keyhold-bench")
	if err != nil {
		return nil, err
	}
	words := append([]string{s.program, "dev", "--addr", "127.0.0.1:0", "--data", data}, flags...)
	if s.delay > 0 { // with -D, the program is a direct child
		slow := fmt.Sprintf("inject=fsync,fdatasync:delay_enter=%d", s.delay.Microseconds())
		words = append([]string{"strace", "-D", "-f", "--seccomp-bpf", "-o", os.DevNull, "-e", "trace=fsync,fdatasync", "-e",
			slow}, words...)
	}
	k, err := start(where, "keyhold", words[0], words[1:]...)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(data))
	}
	k.data = data
	return k, nil
}

// startReference starts this program as a reference server.
func startReference(name string) (*server, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(onFirstProcessor, name, self, "serve", name)
}

// start starts a server and waits until it reports the address at which it listens.
func start(where placement, name, path string, args ...string) (*server, error) {
	s := &server{name: name, cmd: exec.Command(path, args...), root: devRoot}
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := where(s.cmd.Start); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "endpoint" {
			s.addr = strings.TrimPrefix(f[1], "http://")
			go func() {
				for lines.Scan() {
				}
			}()
			return s, nil
		}
	}
	return nil, fmt.Errorf("%s ended before it said where it listens: %w", name, s.cmd.Wait())
}

// A placement calls fn, which starts a process, and determines the processors of the process.
type placement func(fn func() error) error

// anywhere gives the process all processors.
func anywhere(fn func() error) error { return fn() }

// onFirstProcessor gives the process the first processor, and this process all others, if there are any.
func onFirstProcessor(fn func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, first unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	first.Set(0)
	if before.Count() < 2 || !before.IsSet(0) {
		return fn()
	}
	if err := unix.SchedSetaffinity(0, &first); err != nil {
		return err
	}
	return errors.Join(fn(), unix.SchedSetaffinity(0, &before))
}

// leaveFirstProcessor keeps this process off the processor of the servers.
func leaveFirstProcessor() error {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil || set.Count() < 2 {
		return err
	}
	set.Clear(0)
	threads, err := os.ReadDir("/proc/self/task")
	for _, t := range threads {
		id, _ := strconv.Atoi(t.Name())
		err = errors.Join(err, unix.SchedSetaffinity(id, &set))
	}
	return err
}

// end ends the server, and leaves its folder.
func (s *server) end() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
}

func (s *server) stop() {
	s.end()
	if s.data != "" {
		os.RemoveAll(s.data)
	}
}

// cpu returns the processor time of the process, with a resolution of 10 ms (proc_pid_stat(5)).
func (s *server) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	user, _ := strconv.ParseInt(string(f[11]), 10, 64)
	system, _ := strconv.ParseInt(string(f[12]), 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}
