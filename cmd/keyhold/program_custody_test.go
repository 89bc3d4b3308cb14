package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// A lockedBuffer keeps the output of a program.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// initProgram makes a deployment in the folder data of the work folder, and returns the credentials of its root.
func initProgram(t *testing.T, path, dir, custody string) (id, secret string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), path, "init", "--data", "data", "--custody", custody)
	c.Dir = dir
	out, err := c.CombinedOutput()
	m := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\s+export AWS_SECRET_ACCESS_KEY=(\S+)`).FindSubmatch(out)
	if err != nil || m == nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(m[1]), string(m[2])
}

// A server whose custody is another server goes on serving when the other server is gone, and does not start again.
func TestServerOutlivesItsCustody(t *testing.T) {
	path := buildProgram(t)
	other := startProgram(t, path, filepath.Join(t.TempDir(), "other"))
	t.Setenv("AWS_ENDPOINT_URL_KMS", other.endpoint)
	t.Setenv("AWS_ACCESS_KEY_ID", devAccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", devSecret)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	made, err := other.client().CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	dir, custody := t.TempDir(), "awskms:"+*made.KeyMetadata.Arn+"?deployment=test"
	id, secret := initProgram(t, path, dir, custody)
	args := []string{"serve", "--data", filepath.Join(dir, "data"), "--addr", "127.0.0.1:0", "--custody", custody}
	s := startCommand(t, os.Stderr, path, args...)
	c := kms.New(kms.Options{
		BaseEndpoint: aws.String(s.endpoint), Region: "us-east-1", RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(id, secret, ""),
	})
	key, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	other.kill(t)
	if _, err := c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: key.KeyMetadata.KeyId, Plaintext: []byte("hello")}); err != nil {
		t.Error(err)
	}
	if _, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{}); err != nil {
		t.Error(err)
	}
	if err := s.End(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	var log lockedBuffer
	again := exec.CommandContext(t.Context(), path, args...)
	again.Stdout, again.Stderr = &log, &log
	if err := again.Run(); err == nil {
		t.Error("the server starts without its custody")
	}
	for _, want := range []string{"the custody " + custody + " of the root key does not work: ", "check the network"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in %s", want, log.String())
		}
	}
}
