package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// A program is the real program, running as a dev server.
type program struct {
	cmd      *exec.Cmd
	endpoint string
}

func buildProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyhold")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// startProgram starts a dev server on a data folder and waits for its banner.
func startProgram(t *testing.T, path, data string) *program {
	t.Helper()
	return startCommand(t, os.Stderr, path, "dev", "--addr", "127.0.0.1:0", "--data", data)
}

// startCommand starts a server by the given command and waits for its banner.
func startCommand(t *testing.T, stderr io.Writer, path string, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.CommandContext(t.Context(), path, args...)}
	p.cmd.Stderr = stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) == 2 && f[0] == "endpoint" {
			p.endpoint = f[1]
			go io.Copy(io.Discard, out)
			return p
		}
	}
	p.cmd.Wait()
	t.Fatal("the program ended before it printed its endpoint")
	return nil
}

func (p *program) kill(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.cmd.Wait()
}

// client returns a client without retries.
func (p *program) client() *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint:     aws.String(p.endpoint),
		Region:           "us-east-1",
		Credentials:      credentials.NewStaticCredentialsProvider(devAccessKey, devSecret, ""),
		RetryMaxAttempts: 1,
	})
}
