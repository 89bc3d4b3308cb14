package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
)

// A material is a kind of key material that the owner imports.
type material struct {
	flags []string                // flags of keyhold import for the key
	make  func(file string) error // keyhold import --generate makes the material if this is nil
}

var (
	symmetric = material{}
	wallet    = material{flags: []string{"--key-spec", "ECC_SECG_P256K1", "--key-usage", "SIGN_VERIFY"}, make: makeWallet}
)

// makeWallet writes a private key in the format in which wallets export it. Any number below the order
// of the curve is a private key. A random number is not below it once in 2^128.
func makeWallet(file string) error {
	private := make([]byte, 32)
	rand.Read(private)
	return os.WriteFile(file, fmt.Appendf(nil, "0x%x\n", private), 0o600)
}

// A server is keyhold dev with TLS, and the stub of S3.
type server struct {
	keyhold     string
	process     *exec.Cmd
	s3          *httptest.Server
	environment []string // the variables that the banner exports
	kms         *kms.Client
}

// startServer starts the server and the stub. The folder has the objects of S3 and the files of the
// server.
func startServer(ctx context.Context, keyhold, folder string) (*server, error) {
	s := &server{keyhold: keyhold, process: exec.CommandContext(ctx, keyhold, "dev", "--tls", "--addr", "127.0.0.1:0")}
	s.process.Cancel = func() error { return s.process.Process.Signal(syscall.SIGTERM) }
	s.process.Env = append(os.Environ(), "TMPDIR="+folder)
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	s.s3 = httptest.NewServer(s3{folder})
	if err := s.connect(ctx, out, folder); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) connect(ctx context.Context, banner io.Reader, folder string) (err error) {
	if s.environment, err = runBanner(ctx, banner, folder); err != nil {
		return err
	}
	s.environment = append(s.environment, "AWS_ENDPOINT_URL_S3="+s.s3.URL)
	variables := map[string]string{}
	for _, variable := range s.environment {
		name, value, _ := strings.Cut(variable, "=")
		variables[name] = value
	}
	authority, err := os.ReadFile(variables["AWS_CA_BUNDLE"])
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	s.kms = kms.New(kms.Options{
		BaseEndpoint: aws.String(variables["AWS_ENDPOINT_URL_KMS"]),
		Region:       variables["AWS_REGION"],
		Credentials: credentials.NewStaticCredentialsProvider(
			variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"], ""),
		HTTPClient: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}},
	})
	return nil
}

// commands matches the lines of the banner that are shell commands.
var commands = regexp.MustCompile(`(?m)(?:^|\s)((?:export|keytool) .*)$`)

// runBanner reads a banner, runs its commands in the folder, and returns the environment after them.
func runBanner(ctx context.Context, banner io.Reader, folder string) ([]string, error) {
	var script strings.Builder
	lines := bufio.NewScanner(banner)
	for lines.Scan() && !strings.Contains(lines.Text(), "keyhold clock advance") { // the last line
		if found := commands.FindStringSubmatch(lines.Text()); found != nil {
			fmt.Fprintln(&script, found[1], ">&2")
		}
	}
	if script.Len() == 0 {
		return nil, errors.New("keyhold dev printed no banner")
	}
	shell := exec.CommandContext(ctx, "bash", "-euc", script.String()+"env -0")
	shell.Dir = folder
	// The user's profile is not for the clients.
	shell.Env = append(slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "AWS_")
	}), "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null")
	out, err := shell.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, fmt.Errorf("the commands of the banner: %w\n%s%s", err, &script, exit.Stderr)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"), err
}

func (s *server) stop() {
	s.s3.Close()
	_ = s.process.Cancel()
	_ = s.process.Wait()
}

const (
	alias    = "alias/clients"
	lifetime = "90d"
)

// importMaterial makes material in the file, and imports it into a new key.
func (s *server) importMaterial(ctx context.Context, m material, file string) (key string, err error) {
	source := []string{"--generate", file}
	if m.make != nil {
		if err := m.make(file); err != nil {
			return "", err
		}
		source = []string{"--from", file}
	}
	args := []string{"import", alias, "--create", "--expires", lifetime, "--output", "json"}
	out, err := s.command(ctx, slices.Concat(args, source, m.flags)...)
	if err != nil {
		return "", err
	}
	var imported struct{ KeyId string }
	err = json.Unmarshal(out, &imported)
	return imported.KeyId, err
}

func (s *server) importAgain(ctx context.Context, file string) error {
	_, err := s.command(ctx, "import", alias, "--from", file, "--expires", lifetime)
	return err
}

// expire moves the clock of the server past the lifetime of the material.
func (s *server) expire(ctx context.Context) error {
	_, err := s.command(ctx, "clock", "advance", "91d")
	return err
}

func (s *server) disable(ctx context.Context, key string) error {
	_, err := s.kms.DisableKey(ctx, &kms.DisableKeyInput{KeyId: &key})
	return err
}

func (s *server) enable(ctx context.Context, key string) error {
	_, err := s.kms.EnableKey(ctx, &kms.EnableKeyInput{KeyId: &key})
	return err
}

// command runs a client command of keyhold.
func (s *server) command(ctx context.Context, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, s.keyhold, args...)
	command.Env = s.environment
	out, err := command.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, fmt.Errorf("keyhold %s: %w\n%s", strings.Join(args, " "), err, exit.Stderr)
	}
	return out, err
}
