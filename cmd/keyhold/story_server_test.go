package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/keyhold/keyhold/internal/programtest"
)

// A storyServer is the server of a story: one process, or several nodes.
type storyServer interface {
	Signal(os.Signal) error
	End(os.Signal) error // returns when the server has ended
}

// startServer runs keyhold dev or keyhold serve with its data in the story's folder. It waits for
// the banner and returns the endpoint.
func (s *story) startServer(command string, flags []string) (started storyServer, endpoint string, err error) {
	if s.store != "" {
		return s.startNodes(command, flags)
	}
	stdout, err := openLog(s.dir, "stdout")
	if err != nil {
		return nil, "", err
	}
	p, err := s.startProcess(stdout, "stderr", append([]string{command, "--addr", "127.0.0.1:0", "--data", "data"}, flags...)...)
	if err != nil {
		return nil, "", errors.Join(err, stdout.Close())
	}
	go func() {
		<-p.Ended()
		stdout.Close()
	}()
	return p, p.Endpoint, nil
}

// startProcess runs keyhold in the story's folder, with its log in a file of the log folder.
func (s *story) startProcess(stdout io.Writer, log string, args ...string) (*programtest.Server, error) {
	stderr, err := openLog(s.dir, log)
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	c := exec.Command("keyhold", args...)
	c.Dir, c.Stdout, c.Stderr = s.dir, stdout, stderr
	c.Env = append(os.Environ(), storiesStore+"=", "GODEBUG="+s.godebug) // the flags name the store
	return programtest.Start(context.Background(), c)
}

// openLog opens a file of the log folder for appending.
func openLog(dir, name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, logFolder, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

func (s step) runServer() {
	if running := s.server != nil; running == (s.args[0] == "start" || s.args[0] == "serve") {
		s.Fatalf("the server runs: %v", running)
	}
	switch s.args[0] {
	case "start":
		s.Setenv("AWS_ACCESS_KEY_ID", devAccessKey)
		s.Setenv("AWS_SECRET_ACCESS_KEY", devSecret)
		s.start("dev")
	case "serve":
		s.start("serve")
	case "stop":
		s.Check(s.server.End(syscall.SIGTERM))
		s.story.server = nil
	case "hangup":
		s.Check(s.server.Signal(syscall.SIGHUP))
	case "kill":
		_ = s.server.End(syscall.SIGKILL) // reports that it was killed
		s.story.server = nil
	default:
		s.Fatalf("unknown: server %s", s.args[0])
	}
}

func (s step) start(command string) {
	s.godebug = s.Getenv("GODEBUG")
	server, endpoint, err := s.startServer(command, s.args[1:])
	if err != nil {
		s.Fatalf("the server ended, %v:\n%s", err, s.ReadFile(filepath.Join(s.dir, logFolder, "stderr")))
	}
	s.story.server = server
	for name, value := range map[string]string{
		"ENDPOINT": endpoint, "AWS_ENDPOINT_URL_KMS": endpoint,
		"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
	} {
		s.Setenv(name, value)
	}
}

var exportLine = regexp.MustCompile(`export (\w+)=(\S+)\n`)

// credentials sets the credentials that keyhold init just printed, as pasting its lines would.
func (s step) credentials() {
	found := exportLine.FindAllStringSubmatch(s.ReadFile("stdout"), -1)
	if len(found) == 0 {
		s.Fatalf("no credentials were printed")
	}
	for _, m := range found {
		s.Setenv(m[1], m[2])
	}
}

func (s step) advance() {
	s.Check(s.Exec("keyhold", "clock", "advance", s.args[0]))
}

// now sets a variable to the time of the server's clock, plus or minus a duration, in seconds since
// the epoch.
func (s step) now() {
	s.Check(s.Exec("keyhold", "clock", "show"))
	shown, _, _ := strings.Cut(s.ReadFile("stdout"), " ")
	t, err := time.Parse(time.RFC3339, shown)
	s.Check(err)
	if len(s.args) > 1 {
		seconds, err := parseSeconds(s.args[1][1:])
		s.Check(err)
		if s.args[1][0] == '-' {
			seconds = -seconds
		}
		t = t.Add(time.Duration(seconds) * time.Second)
	}
	s.Setenv(s.args[0], strconv.FormatInt(t.Unix(), 10))
}
