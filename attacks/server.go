package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// account is the account of the attacked deployments.
const account = "111122223333"

// A server is a process running keyhold serve.
type server struct {
	l    *lab
	data string // data folder
	addr string // host and port
	root aws.Credentials
	cmd  *exec.Cmd
	log  logTail

	ended chan struct{} // closed when the process has ended
}

// shownOnce matches the credentials in the output of keyhold init and keyhold apply.
var shownOnce = regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\n.*AWS_SECRET_ACCESS_KEY=(\S+)`)

// serve creates a deployment in the folder data of the lab and starts a server on it, with additional flags for
// keyhold serve.
func (l *lab) serve(flags ...string) (*server, error) { return l.serveIn(l.file("data"), flags...) }

// serveIn is serve with another data folder.
func (l *lab) serveIn(data string, flags ...string) (*server, error) {
	s := &server{l: l, data: data}
	made, err := exec.Command(l.program, "init", "--data", data, "--root-key-file", l.file("root-key"), "--account",
		account).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("keyhold init: %w: %s", err, made)
	}
	if s.root, err = credentialsIn(made); err != nil {
		return nil, err
	}
	return s, s.start(flags...)
}

func credentialsIn(text []byte) (aws.Credentials, error) {
	found := shownOnce.FindSubmatch(text)
	if found == nil {
		return aws.Credentials{}, fmt.Errorf("no credentials in %q", text)
	}
	return aws.Credentials{AccessKeyID: string(found[1]), SecretAccessKey: string(found[2])}, nil
}

// start starts the process, possibly again, and waits until it reports the address at which it listens.
func (s *server) start(flags ...string) error {
	words := append([]string{"serve", "--data", s.data, "--root-key-file", s.l.file("root-key"), "--addr", "127.0.0.1:0",
		"--tls-cert", s.l.file("cert.pem"), "--tls-key", s.l.file("key.pem")}, flags...)
	return s.startAs(exec.Command(s.l.program, words...))
}

// startAs starts the given command, for example with fewer file descriptors.
func (s *server) startAs(cmd *exec.Cmd) error {
	s.cmd, s.ended = cmd, make(chan struct{})
	s.cmd.Stderr = io.Writer(&s.log)
	if s.l.verbose {
		s.cmd.Stderr = io.MultiWriter(&s.log, os.Stderr)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.l.servers = append(s.l.servers, s)
	lines := bufio.NewScanner(out)
	for s.addr = ""; s.addr == "" && lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "endpoint" {
			s.addr = strings.TrimPrefix(f[1], "https://")
		}
	}
	go func() {
		io.Copy(io.Discard, out)
		s.cmd.Wait()
		close(s.ended)
	}()
	if s.addr == "" {
		<-s.ended
		return fmt.Errorf("keyhold serve ended before it was listening: %s", s.log.text())
	}
	return nil
}

// stop ends the process if it is still running.
func (s *server) stop() {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(15 * time.Second):
		s.cmd.Process.Kill()
		<-s.ended
	}
}

// alive reports whether the process is still running.
func (s *server) alive() bool {
	select {
	case <-s.ended:
		return false
	default:
		return true
	}
}

// url returns the endpoint.
func (s *server) url() string { return "https://" + s.addr }

// rss returns the resident memory of the process in MiB (proc_pid_status(5), VmRSS).
func (s *server) rss() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
			kib, err := strconv.ParseFloat(f[1], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("no VmRSS")
}

// maxResident is the bar of all attacks for the resident memory of the process after the attack, in MiB.
const maxResident = 512

// checkRSS returns the resident memory as a figure, and an errMissed if it is too large.
func (s *server) checkRSS() (figure string, err error) {
	resident, err := s.rss()
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%.0f MiB resident", resident), checkBar(resident <= maxResident, "%.0f MiB resident, at most %d",
		resident, maxResident)
}

// logSize returns the size of the audit log in bytes.
func (s *server) logSize() (int64, error) {
	info, err := os.Stat(filepath.Join(s.data, "audit.log"))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// A logTail keeps the last bytes of a server's log output.
type logTail struct {
	mu   sync.Mutex
	kept []byte
}

const maxTail = 64 << 10

func (t *logTail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-maxTail):]
	return len(p), nil
}

func (t *logTail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.Clone(t.kept))
}
