// Package programtest builds programs for tests, and runs them as servers. It knows only one line of their output: the
// line of the banner that names the endpoint.
package programtest

import (
	"cmp"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// Build builds a program of a folder, such as ./cmd/keyhold, with flags of go build, and returns its path.
func Build(t testing.TB, folder, program string, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	c := exec.CommandContext(t.Context(), "go", append(append([]string{"build"}, flags...), "-o", path, program)...)
	c.Dir = folder
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", program, err, out)
	}
	return path
}

// A Server is a program that serves, in a process of its own.
type Server struct {
	Endpoint string // of its banner
	process  *os.Process
	ended    chan struct{}
	at       time.Time // when it ended, and how; valid when ended is closed
	err      error
}

// Start starts a program and returns when its banner names an endpoint. The output continues to go to c.Stdout. If the
// program ends before, or ctx ends, Start returns an error, and the program has ended. The Server is nil only if the
// program could not be started.
func Start(ctx context.Context, c *exec.Cmd) (*Server, error) {
	b := &banner{out: c.Stdout, endpoint: make(chan string, 1)}
	c.Stdout = b
	if err := c.Start(); err != nil {
		return nil, err
	}
	s := &Server{process: c.Process, ended: make(chan struct{})}
	go func() {
		s.err, s.at = c.Wait(), time.Now()
		close(s.ended)
	}()
	select {
	case s.Endpoint = <-b.endpoint:
		return s, nil
	case <-s.ended:
		return s, cmp.Or(s.err, io.ErrUnexpectedEOF)
	case <-ctx.Done():
		_ = s.End(os.Kill) // reports that it was killed
		return s, ctx.Err()
	}
}

// Pid returns the ID of the process.
func (s *Server) Pid() int { return s.process.Pid }

// Signal sends a signal to the server.
func (s *Server) Signal(signal os.Signal) error { return s.process.Signal(signal) }

// End sends a signal to the server, unless it has ended, and returns how it ended.
func (s *Server) End(signal os.Signal) error {
	_ = s.process.Signal(signal) // fails only if the server has ended
	return s.Wait()
}

// Ended returns a channel that is closed when the server has ended.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// EndedAt returns when the server has ended. Ended must be closed.
func (s *Server) EndedAt() time.Time { return s.at }

// Wait waits until the server has ended, and returns how.
func (s *Server) Wait() error {
	<-s.ended
	return s.err
}

var endpointLine = regexp.MustCompile(`(?m)^ *endpoint +(\S+)\n`)

// A banner passes the output of a program on, and sends the endpoint when it is printed.
type banner struct {
	out      io.Writer // may be nil
	text     []byte    // until the endpoint is sent
	sent     bool
	endpoint chan string
}

func (b *banner) Write(p []byte) (int, error) {
	if b.out != nil {
		if n, err := b.out.Write(p); err != nil {
			return n, err
		}
	}
	if !b.sent {
		b.text = append(b.text, p...)
		if m := endpointLine.FindSubmatch(b.text); m != nil {
			b.sent, b.text = true, nil
			b.endpoint <- string(m[1])
		}
	}
	return len(p), nil
}
