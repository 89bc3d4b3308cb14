package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A serverProcess is the program, running as the server of a story.
type serverProcess struct {
	cmd   *exec.Cmd
	ended chan error
}

// startServer runs keyhold dev or keyhold serve with its data in the story's folder. It waits for
// the banner and returns the endpoint.
func startServer(dir, command string, flags []string) (s *serverProcess, endpoint string, err error) {
	s = &serverProcess{ended: make(chan error, 1)}
	s.cmd = exec.Command("keyhold", append([]string{command, "--addr", "127.0.0.1:0", "--data", "data"}, flags...)...)
	s.cmd.Dir = dir
	stdout, err := openLog(dir, "stdout")
	if err != nil {
		return nil, "", err
	}
	stderr, err := openLog(dir, "stderr")
	if err != nil {
		return nil, "", err
	}
	b := &banner{endpoint: make(chan string, 1)}
	s.cmd.Stdout, s.cmd.Stderr = io.MultiWriter(stdout, b), stderr
	if err := s.cmd.Start(); err != nil {
		return nil, "", err
	}
	go func() {
		err := s.cmd.Wait()
		stdout.Close()
		stderr.Close()
		s.ended <- err
	}()
	select {
	case endpoint = <-b.endpoint:
		return s, endpoint, nil
	case err := <-s.ended:
		return nil, "", err
	}
}

func (s *serverProcess) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return <-s.ended
}

func (s *serverProcess) kill() {
	s.cmd.Process.Kill()
	<-s.ended
}

// openLog opens a file of the log folder for appending.
func openLog(dir, name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, logFolder, name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
}

// A banner receives the output of the program and sends the endpoint when it is printed.
type banner struct {
	text     []byte
	sent     bool
	endpoint chan string
}

var endpointLine = regexp.MustCompile(`endpoint +(\S+)\n`)

func (b *banner) Write(p []byte) (int, error) {
	b.text = append(b.text, p...)
	if m := endpointLine.FindSubmatch(b.text); m != nil && !b.sent {
		b.sent = true
		b.endpoint <- string(m[1])
	}
	return len(p), nil
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
		s.Check(s.server.stop())
		s.story.server = nil
	case "hangup":
		s.Check(s.server.cmd.Process.Signal(syscall.SIGHUP))
	case "kill":
		s.server.kill()
		s.story.server = nil
	default:
		s.Fatalf("unknown: server %s", s.args[0])
	}
}

func (s step) start(command string) {
	server, endpoint, err := startServer(s.dir, command, s.args[1:])
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
