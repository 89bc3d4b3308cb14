package main

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// TestLinesOfInit runs the lines that keyhold init prints to start the server, in a folder whose
// name needs quotes. The server must serve the Regions of init with the credentials of init. Only
// the port differs.
func TestLinesOfInit(t *testing.T) {
	path, dir := buildProgram(t), t.TempDir()
	shell := func(command string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), "sh", "-c", command)
		c.Dir = dir
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		return string(out)
	}
	t.Setenv("PATH", filepath.Dir(path)+":"+os.Getenv("PATH"))
	printed := shell(`keyhold init --data "it's data" --account 111122223333 --regions eu-west-2,eu-central-1`)
	shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -keyout server.key -out server.pem -subj /CN=localhost 2>&1")
	id := regexp.MustCompile(`export AWS_ACCESS_KEY_ID=(\S+)\n`).FindStringSubmatch(printed)
	secret := regexp.MustCompile(`export AWS_SECRET_ACCESS_KEY=(\S+)\n`).FindStringSubmatch(printed)
	lines := regexp.MustCompile(`\n  (keyhold serve .*)`).FindAllStringSubmatch(printed, -1)
	if id == nil || secret == nil || len(lines) != 2 {
		t.Fatal(printed)
	}
	for i, line := range lines {
		var stderr bytes.Buffer
		p := startCommand(t, &stderr, "sh", "-c", "cd "+dir+" && exec "+line[1]+" --addr 127.0.0.1:0")
		if secure := strings.HasPrefix(p.endpoint, "https:"); secure != (i == 1) {
			t.Errorf("%s is at %s", line[1], p.endpoint)
		}
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		for region, served := range map[string]bool{"eu-west-2": true, "eu-central-1": true, "us-east-1": false} {
			c := kms.New(kms.Options{
				BaseEndpoint: aws.String(p.endpoint), Region: region, HTTPClient: &http.Client{Transport: transport}, RetryMaxAttempts: 1,
				Credentials: credentials.NewStaticCredentialsProvider(id[1], secret[1], ""),
			})
			if _, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{}); (err == nil) != served {
				t.Errorf("%s in %s: %v", line[1], region, err)
			}
		}
		transport.CloseIdleConnections()
		p.kill(t)
	}
}

// If the program was called by its path, the lines of init call it by this path too.
func TestLinesOfInitNameTheProgram(t *testing.T) {
	t.Parallel()
	path, dir := buildProgram(t), t.TempDir()
	out, err := exec.CommandContext(t.Context(), path, "init", "--data", filepath.Join(dir, "data")).Output()
	if err != nil || strings.Count(string(out), "\n  "+path+" serve --data ") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
}
