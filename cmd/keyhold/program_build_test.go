package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/programtest"
)

// A program is the real program, running as a server.
type program struct {
	*programtest.Server
	endpoint string
}

// buildOnce builds the real program beside the keyhold of the stories. TestMain removes this folder.
var buildOnce = sync.OnceValues(func() (path string, err error) {
	story, err := exec.LookPath("keyhold")
	if err != nil {
		return "", err
	}
	path = filepath.Join(filepath.Dir(story), "program")
	if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// buildProgram returns the path of the real program, which all tests share.
func buildProgram(t *testing.T) string {
	t.Helper()
	path, err := buildOnce()
	if err != nil {
		t.Fatalf("build the program: %v", err)
	}
	return path
}

// startProgram starts a dev server on a data folder and waits for its banner.
func startProgram(t *testing.T, path, data string) *program {
	t.Helper()
	return startCommand(t, os.Stderr, path, "dev", "--addr", "127.0.0.1:0", "--data", data)
}

// startCommand starts a server by the given command and waits for its banner. The server is killed at the end of the
// test.
func startCommand(t *testing.T, stderr io.Writer, path string, args ...string) *program {
	t.Helper()
	c := exec.Command(path, args...)
	c.Stderr = stderr
	s, err := programtest.Start(t.Context(), c)
	if err != nil {
		t.Fatalf("the program did not start: %v", err)
	}
	t.Cleanup(func() { _ = s.End(os.Kill) }) // reports that it was killed, unless it had ended
	return &program{s, s.Endpoint}
}

func (p *program) kill(t *testing.T) {
	t.Helper()
	_ = p.End(os.Kill) // reports that it was killed
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
