package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// Every dev server prints these values in its banner.
const (
	region    = "us-east-1"
	accessKey = "test"
	secret    = "test"
)

// A server is a running keyhold dev, with a client for it.
type server struct {
	program, data string
	endpoint      string
	kms           *kms.Client
	cmd           *exec.Cmd
	log           bytes.Buffer // to be read after the end of the server
}

// startServer starts the program on a data folder and waits until its banner names the endpoint.
func startServer(ctx context.Context, program, data string) (*server, error) {
	s := &server{program: program, data: data}
	s.cmd = exec.CommandContext(ctx, program, "dev", "--data", data, "--addr", "127.0.0.1:0")
	s.cmd.Stderr = &s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w (make build builds it; -keyhold names its path)", err)
	}
	// The rest of the banner is not read. It fits in the pipe, so the server does not block.
	for lines := bufio.NewScanner(out); s.endpoint == ""; {
		if !lines.Scan() {
			s.kill()
			return nil, fmt.Errorf("%s dev ended and named no endpoint in its banner: %s", program, &s.log)
		}
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "endpoint" {
			s.endpoint = f[1]
		}
	}
	// The client reads nothing from the environment, so no profile can name another server.
	s.kms = kms.New(kms.Options{
		BaseEndpoint: aws.String(s.endpoint),
		Region:       region,
		Credentials:  credentials.NewStaticCredentialsProvider(accessKey, secret, ""),
	})
	return s, nil
}

// kill ends the server as a power failure would, without a chance to tidy up.
func (s *server) kill() {
	_ = s.cmd.Process.Kill() // fails only if the server has ended
	_ = s.cmd.Wait()         // reports that it was killed
}

// advance moves the clock of the server and returns the new time that the program prints.
func (s *server) advance(ctx context.Context, by time.Duration) (string, error) {
	cmd := exec.CommandContext(ctx, s.program, "clock", "advance", by.String(), "--endpoint-url", s.endpoint)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secret, "AWS_REGION="+region)
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("clock advance %s: %w: %s", by, err, &messages)
	}
	return strings.TrimSpace(string(out)), nil
}
