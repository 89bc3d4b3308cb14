package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/authority"
)

// A configured server has a settings file, and a certificate in a folder that a symbolic link names, as in a volume of
// Kubernetes.
type configured struct {
	*program
	folder, file string
	id, secret   string
	roots        *x509.CertPool
	log          *safeBuffer
	made         int // certificates
}

// startConfigured makes a deployment, a certificate and a settings file with the given lines, and starts a server.
func startConfigured(t *testing.T, lines string) *configured {
	t.Helper()
	s := &configured{folder: t.TempDir(), roots: x509.NewCertPool(), log: new(safeBuffer)}
	s.file = filepath.Join(s.folder, "keyhold.toml")
	path := buildProgram(t)
	out, err := exec.CommandContext(t.Context(), path, "init", "--data", filepath.Join(s.folder, "data")).CombinedOutput()
	keys := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\n.*AWS_SECRET_ACCESS_KEY=(\S+)`).FindStringSubmatch(string(out))
	if err != nil || keys == nil {
		t.Fatal(string(out), err)
	}
	s.id, s.secret = keys[1], keys[2]
	s.renew(t)
	s.write(t, lines)
	s.program = startCommand(t, s.log, path, "serve", "--config", s.file)
	return s
}

// write replaces the settings file.
func (s *configured) write(t *testing.T, lines string) {
	t.Helper()
	text := fmt.Sprintf("[storage]\ndata = '%s/data'\n[server]\naddress = '127.0.0.1:0'\n[tls]\n"+
		"certificate = '%s/tls/server.pem'\nkey = '%s/tls/server.key'\n%s", s.folder, s.folder, s.folder, lines)
	if err := replaceFile(s.file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// renew replaces the certificate and its key at once, by another folder for the symbolic link.
func (s *configured) renew(t *testing.T) *x509.Certificate {
	t.Helper()
	made, err := authority.New(nil, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s.made++
	folder, link := fmt.Sprintf("%s/tls-%d", s.folder, s.made), filepath.Join(s.folder, "tls")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"server.pem", "server.key"} {
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(folder, link+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+".new", link); err != nil {
		t.Fatal(err)
	}
	s.roots.AddCert(made.Authority)
	return made.Certificate.Leaf
}

func (s *configured) client(transport *http.Transport) *kms.Client {
	return kms.New(kms.Options{
		BaseEndpoint: aws.String(s.endpoint), Region: "us-east-1", RetryMaxAttempts: 1,
		HTTPClient:  &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(s.id, s.secret, ""),
	})
}

// shown returns the certificate that a new connection gets.
func (s *configured) shown(t *testing.T) tls.ConnectionState {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(s.endpoint, "https://"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState()
}

// await waits until the log has a text n times.
func (s *configured) await(t *testing.T, text string, n int) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); strings.Count(s.log.String(), text) < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the log does not have %q %d times:\n%s", text, n, s.log)
		}
	}
}

// awaitCertificate waits until new connections get the certificate.
func (s *configured) awaitCertificate(t *testing.T, leaf *x509.Certificate) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !s.shown(t).PeerCertificates[0].Equal(leaf); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("new connections get an old certificate:\n%s", s.log)
		}
	}
}

const reloaded = "the settings and certificates were reloaded"

// TestReloadUnderLoad offers offeredRate requests a second, of which at most maxUnderWay are under way: a busy machine
// gets fewer requests, instead of connections that wait for a handshake until the server closes them.
const (
	offeredRate = 500
	maxUnderWay = 64
)

// An openLoop offers requests at a rate until stop is called.
type openLoop struct {
	cancel          context.CancelFunc
	begun           time.Time
	running         sync.WaitGroup
	offered, failed atomic.Int64
	failure         atomic.Value
}

// offer begins to send requests to a server: a quarter of them on connections of their own.
func (s *configured) offer(t *testing.T) *openLoop {
	ctx, cancel := context.WithCancel(t.Context())
	l := &openLoop{cancel: cancel, begun: time.Now()}
	var clients []*kms.Client
	for i := range 4 {
		transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: i == 0, MaxIdleConnsPerHost: 100, MaxConnsPerHost: 200}
		t.Cleanup(transport.CloseIdleConnections)
		clients = append(clients, s.client(transport))
	}
	places := make(chan struct{}, maxUnderWay)
	l.running.Go(func() {
		for ctx.Err() == nil {
			for due := int64(time.Since(l.begun).Seconds() * offeredRate); l.offered.Load() < due; {
				places <- struct{}{}
				c := clients[l.offered.Add(1)%int64(len(clients))]
				l.running.Go(func() {
					defer func() { <-places }()
					if _, err := c.ListKeys(t.Context(), &kms.ListKeysInput{}); err != nil {
						l.failed.Add(1)
						l.failure.Store(err)
					}
				})
			}
			time.Sleep(time.Millisecond)
		}
	})
	return l
}

// stop waits for the end of all requests. It returns the rates a second at which requests were offered and answered.
func (l *openLoop) stop() (offered, reached float64) {
	l.cancel()
	took := time.Since(l.begun).Seconds()
	l.running.Wait()
	n := float64(l.offered.Load())
	return n / took, n / time.Since(l.begun).Seconds()
}

// TestReloadUnderLoad reloads certificate, limits and log level while clients send 500 requests a second on old and new
// connections. No request fails. KEYHOLD_RELOADS is the number of reloads.
func TestReloadUnderLoad(t *testing.T) {
	s := startConfigured(t, "")
	l := s.offer(t)
	reloads := fromEnv("KEYHOLD_RELOADS", 10)
	for n := range reloads {
		for begun := l.offered.Load(); l.offered.Load() < begun+40; time.Sleep(time.Millisecond) {
			if t.Context().Err() != nil {
				t.Fatal("the test is over")
			}
		}
		leaf := s.renew(t)
		level := []string{"debug", "warn", "info"}[n%3]
		s.write(t, fmt.Sprintf("[limits]\nrates.list = %d\nquotas.keys = %d\n[log]\nlevel = '%s'\n", 10_000+n, 1000+n, level))
		if err := s.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		s.awaitCertificate(t, leaf)
	}
	offered, reached := l.stop()
	if l.failed.Load() > 0 || l.offered.Load() == 0 {
		t.Errorf("%d of %d requests failed: %v", l.failed.Load(), l.offered.Load(), l.failure.Load())
	}
	t.Logf("%d reloads under %d requests: %.0f a second offered, %.0f a second answered, %d failed",
		reloads, l.offered.Load(), offered, reached, l.failed.Load())
}

// TestReload gives a server settings that are refused, that need a restart, and that are taken, without a signal.
func TestReload(t *testing.T) {
	t.Parallel()
	s := startConfigured(t, "[log]\nformat = 'json'\n")
	c := s.client(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}})
	list := func(want string) {
		t.Helper()
		_, err := c.ListKeys(t.Context(), &kms.ListKeysInput{}, func(o *kms.Options) { o.Region = "eu-west-2" })
		if got := fmt.Sprint(err); !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	before := s.shown(t).PeerCertificates[0]
	list("scoped to a valid region")

	// A certificate without its key, with all other settings good: nothing changes.
	if err := os.Remove(filepath.Join(s.folder, "tls", "server.key")); err != nil {
		t.Fatal(err)
	}
	s.write(t, "[deployment]\nregions = ['eu-west-2']\n")
	s.await(t, "the settings were not reloaded", 1)
	s.await(t, s.file+":7: tls.key", 1)
	list("scoped to a valid region")

	// All is good again, but the form of the log needs a restart.
	leaf := s.renew(t)
	s.write(t, "[deployment]\nregions = ['eu-west-2']\n[log]\nformat = 'text'\n")
	s.await(t, reloaded, 1)
	s.await(t, `"settings":"log.format"`, 1)
	s.await(t, `"changed":"deployment.regions"`, 1)
	list("<nil>")
	if now := s.shown(t).PeerCertificates[0]; !now.Equal(leaf) || now.Equal(before) {
		t.Error("a new connection gets an old certificate")
	}
}

// TestClientCertificates demands a certificate besides the signature, and switches this on while the server runs.
func TestClientCertificates(t *testing.T) {
	t.Parallel()
	s := startConfigured(t, "")
	state := s.shown(t)
	if state.Version != tls.VersionTLS13 || state.CurveID != tls.X25519MLKEM768 {
		t.Errorf("TLS %x with %v", state.Version, state.CurveID)
	}
	own, stranger := s.makeClient(t, "client"), s.makeClient(t, "stranger")
	call := func(c *tls.Config) error {
		c.RootCAs = s.roots
		transport := &http.Transport{TLSClientConfig: c}
		defer transport.CloseIdleConnections()
		_, err := s.client(transport).ListKeys(t.Context(), &kms.ListKeysInput{})
		return err
	}
	if err := call(&tls.Config{}); err != nil {
		t.Fatal(err)
	}
	if err := call(&tls.Config{MaxVersion: tls.VersionTLS12}); err == nil || !strings.Contains(err.Error(), "version") {
		t.Errorf("TLS 1.2: %v", err)
	}
	s.write(t, fmt.Sprintf("min_version = '1.2'\nclient_ca = '%s/client.pem'\n", s.folder))
	if err := s.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	s.await(t, reloaded, 1)
	for name, c := range map[string]struct {
		certificates []tls.Certificate
		want         bool
	}{"none": {nil, false}, "another authority's": {[]tls.Certificate{stranger}, false}, "its own": {[]tls.Certificate{own}, true}} {
		for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			show := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return &append(c.certificates, tls.Certificate{})[0], nil
			}
			err := call(&tls.Config{GetClientCertificate: show, MaxVersion: version})
			if (err == nil) != c.want || err != nil && !strings.Contains(err.Error(), "request send failed") {
				t.Errorf("%s certificate, version %x: %v", name, version, err)
			}
		}
	}
	for file, want := range map[string]string{"": "alert", "client": "HTTP/1.1 200"} {
		args := []string{"s_client", "-quiet", "-ign_eof", "-connect", strings.TrimPrefix(s.endpoint, "https://")}
		if file != "" {
			args = append(args, "-cert", filepath.Join(s.folder, file+".pem"), "-key", filepath.Join(s.folder, file+".key"))
		}
		openssl := exec.CommandContext(t.Context(), "openssl", args...)
		openssl.Stdin = strings.NewReader("GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if out, _ := openssl.CombinedOutput(); !strings.Contains(string(out), want) {
			t.Errorf("openssl with the certificate %q: %s", file, out)
		}
	}
}

// makeClient makes the certificate of a client, which is its own authority, in files of this name.
func (s *configured) makeClient(t *testing.T, name string) tls.Certificate {
	t.Helper()
	cert, key := filepath.Join(s.folder, name+".pem"), filepath.Join(s.folder, name+".key")
	out, err := exec.CommandContext(t.Context(), "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
		"ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-keyout", key, "-out", cert, "-subj", "/CN="+name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}
