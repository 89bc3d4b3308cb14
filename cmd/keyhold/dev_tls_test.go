package main

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/authority"
	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/programtest"
	"github.com/keyhold/keyhold/kmstest"
)

// getJava sends a request with the TLS classes of the Java standard library.
const getJava = `
class Get {
    public static void main(String[] args) throws Exception {
        System.out.println(((java.net.HttpURLConnection) new java.net.URL(args[0]).openConnection()).getResponseCode());
    }
}`

// TestDevTLS runs clients with the commands of the banner. Each client then trusts the server;
// without the commands, it did not.
func TestDevTLS(t *testing.T) {
	python := cmp.Or(os.Getenv("KEYHOLD_PYTHON"), "python3")
	needTool(t, python, "-c", "import boto3")
	needTool(t, debianAWS, "--version")
	needTool(t, "node", "--version")
	needTool(t, "java", "-version")
	needTool(t, "openssl", "version")
	program, dir := buildProgram(t), t.TempDir()
	server := startTLS(t, program)
	t.Cleanup(func() { server.stop(t) })
	java := filepath.Join(dir, "Get.java")
	if err := os.WriteFile(java, []byte(getJava), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, client := range map[string][]string{
		"keyhold":    {program, "expiring"},
		"AWS CLI":    {debianAWS, "--endpoint-url", server.endpoint, "kms", "list-keys"},
		"Python":     {python, "-c", "import boto3; boto3.client('kms').list_keys(); boto3.client('sts').get_caller_identity()"},
		"JavaScript": {"node", "--no-warnings", "-e", "fetch(process.env.AWS_ENDPOINT_URL).catch(e => { console.log(e); process.exit(1) })"},
		"OpenSSL":    {"sh", "-c", "exec openssl s_client -verify_return_error -connect ${AWS_ENDPOINT_URL#https://} < /dev/null"},
		"Java":       {"java", "-XX:TieredStopAtLevel=1", java, server.endpoint},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if out, err := runPasted(t, folder, server.banner, client...); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
			distrusting := regexp.MustCompile(`(?m)^.*(AWS_CA_BUNDLE|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE|JAVA_TOOL_OPTIONS)=.*\n`).ReplaceAllString(server.banner, "")
			out, err := runPasted(t, folder, distrusting, client...)
			if err == nil || !regexp.MustCompile(`(?i)certificat|SELF_SIGNED|UNABLE_TO_VERIFY`).MatchString(out) {
				t.Errorf("without its variable: %v\n%s", err, out)
			}
		})
	}
}

// runPasted runs a command in a shell after the commands of a banner.
func runPasted(t *testing.T, dir, banner string, command ...string) (string, error) {
	t.Helper()
	var script strings.Builder
	for _, line := range regexp.MustCompile(`(?m)(export \w+=|keytool ).*$`).FindAllString(banner, -1) {
		if strings.HasPrefix(line, "export ") || command[0] == "java" {
			script.WriteString(line + " || exit 9\n")
		}
	}
	c := exec.CommandContext(t.Context(), "sh", append([]string{"-c", script.String() + `exec "$@"`, "sh"}, command...)...)
	c.Dir = dir
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AWS_EC2_METADATA_DISABLED=true"}
	out, err := c.CombinedOutput()
	return string(out), err
}

// A tlsServer is the program, running as a dev server with TLS, and its banner.
type tlsServer struct {
	*program
	banner, authority string
	log               bytes.Buffer
}

// startTLS runs a dev server with TLS until the end of the test.
func startTLS(t *testing.T, path string, args ...string) *tlsServer {
	t.Helper()
	s, out := &tlsServer{}, &safeBuffer{}
	c := exec.Command(path, append([]string{"dev", "--addr", "127.0.0.1:0", "--tls"}, args...)...)
	c.Stdout, c.Stderr = out, &s.log
	p, err := programtest.Start(t.Context(), c)
	if err != nil {
		t.Fatalf("%v\n%s", err, &s.log)
	}
	t.Cleanup(func() { _ = p.End(os.Kill) }) // unless stop ended it
	s.program, s.banner = &program{p, p.Endpoint}, out.String()
	if m := regexp.MustCompile(`AWS_CA_BUNDLE=(.+)\n`).FindStringSubmatch(s.banner); m != nil {
		s.authority = m[1]
	}
	if !strings.HasPrefix(s.endpoint, "https://") || s.authority == "" {
		s.stop(t)
		t.Fatalf("no endpoint or no authority in the banner:\n%s%s", s.banner, &s.log)
	}
	return s
}

// stop ends the server in order.
func (s *tlsServer) stop(t *testing.T) {
	t.Helper()
	if err := s.End(syscall.SIGTERM); err != nil {
		t.Errorf("%v\n%s", err, &s.log)
	}
}

// TestDevTLSInMemory checks that an authority in memory ends with its server: the private key is in
// no file, and clients of one server do not trust the next.
func TestDevTLSInMemory(t *testing.T) {
	path, temp := buildProgram(t), t.TempDir()
	t.Setenv("TMPDIR", temp)
	var seen []string
	for range 2 {
		s := startTLS(t, path, "--tls-names", "kms.us-east-1.amazonaws.com,192.0.2.7")
		files, err := os.ReadDir(temp)
		if err != nil || len(files) != 1 || filepath.Join(temp, files[0].Name()) != s.authority {
			t.Fatalf("%v, %v: not the file of the authority alone, %s", files, err, s.authority)
		}
		pem, err := os.ReadFile(s.authority)
		if err != nil || bytes.Contains(pem, []byte("PRIVATE")) {
			t.Fatalf("%s, %v", pem, err)
		}
		for _, name := range []string{"localhost", "127.0.0.1", "::1", "kms.us-east-1.amazonaws.com", "192.0.2.7"} {
			if err := dialTLS(s.endpoint, pem, name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, name := range []string{"example.org", "kms.us-west-2.amazonaws.com", "192.0.2.8"} {
			if dialTLS(s.endpoint, pem, name) == nil {
				t.Errorf("%s is a name of the server", name)
			}
		}
		if seen = append(seen, string(pem)); len(seen) == 2 && dialTLS(s.endpoint, []byte(seen[0]), "localhost") == nil {
			t.Error("clients of the first server trust the second")
		}
		s.stop(t)
		if _, err := os.Stat(s.authority); !os.IsNotExist(err) {
			t.Errorf("the file of the authority outlives the server: %v", err)
		}
	}
}

// dialTLS connects as a client that trusts only the authority and knows the server by name.
func dialTLS(endpoint string, pem []byte, name string) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	c, err := tls.Dial("tcp", strings.TrimPrefix(endpoint, "https://"), &tls.Config{RootCAs: roots, ServerName: name, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		return err
	}
	defer c.Close()
	if protocol := c.ConnectionState().NegotiatedProtocol; protocol != "http/1.1" {
		return fmt.Errorf("the protocol is %q", protocol)
	}
	return nil
}

// TestDevTLSKept checks that clients trust each later server on a data folder, until a server starts
// with another name.
func TestDevTLSKept(t *testing.T) {
	t.Parallel()
	path, data := buildProgram(t), filepath.Join(t.TempDir(), "a folder")
	var first []byte
	for i, c := range []struct {
		names string
		same  bool
	}{{"a.example", true}, {"", true}, {"A.example", true}, {"a.example,b.example", false}} {
		s := startTLS(t, path, "--data", data, "--tls-names", c.names)
		if want := "'" + filepath.Join(data, devAuthorityName) + "'"; s.authority != want {
			t.Errorf("the authority is %s, not %s", s.authority, want)
		}
		pem, err := os.ReadFile(filepath.Join(data, devAuthorityName))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = pem
		}
		if err := dialTLS(s.endpoint, pem, "a.example"); err != nil {
			t.Error(err)
		}
		s.stop(t)
		if warned := strings.Contains(s.log.String(), "new certificate authority"); bytes.Equal(pem, first) != c.same || warned == c.same {
			t.Errorf("--tls-names %q: the same authority: %v; a warning: %v", c.names, bytes.Equal(pem, first), warned)
		}
	}
	for name, mode := range map[string]os.FileMode{devTLSName: 0o600, devAuthorityName: 0o644} {
		if info, err := os.Stat(filepath.Join(data, name)); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if left, err := filepath.Glob(filepath.Join(data, "*.pem.*")); err != nil || len(left) != 0 {
		t.Errorf("%q are left, %v", left, err)
	}
}

// TestDevTLSFolder checks what a start does with the file in the folder: by its permissions, its
// content, and its age.
func TestDevTLSFolder(t *testing.T) {
	data := t.TempDir()
	file := filepath.Join(data, devTLSName)
	put := func(content []byte, mode os.FileMode) {
		t.Helper()
		if err := replaceFile(file, content, mode); err != nil {
			t.Fatal(err)
		}
	}
	encoded := func(at time.Time) []byte {
		t.Helper()
		s, err := authority.New(nil, at)
		if err != nil {
			t.Fatal(err)
		}
		text, err := s.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	start := func() (string, error) {
		var log bytes.Buffer
		var network conns.Config
		o := devOptions{addr: "127.0.0.1:0", place: place{data: data}, tls: devTLS{on: true}}
		_, err := o.enableTLS(&network, slog.New(slog.NewTextHandler(&log, nil)))
		if (err == nil) != (network.TLS != nil) {
			t.Errorf("%v, and TLS: %v", err, network.TLS != nil)
		}
		return log.String(), err
	}
	good := encoded(time.Now())
	put(good, 0o644)
	if _, err := start(); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others may read: %v", err)
	}
	put(good[:len(good)/2], 0o600)
	if _, err := start(); err == nil || !strings.Contains(err.Error(), "is damaged") || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("half of a file: %v", err)
	}
	for age, isNew := range map[time.Duration]bool{0: false, authority.Validity / 2: false, authority.Validity - renewal: true, 2 * authority.Validity: true} {
		old := encoded(time.Now().Add(-age))
		put(old, 0o600)
		log, err := start()
		now, failed := os.ReadFile(file)
		if err != nil || failed != nil {
			t.Fatal(err, failed)
		}
		if bytes.Equal(old, now) == isNew || strings.Contains(log, "new certificate authority") != isNew {
			t.Errorf("after %v: new %v\n%s", age, !bytes.Equal(old, now), log)
		}
	}
}

// TestDevTLSNames checks the names of the certificate for values of --addr and --tls-names.
func TestDevTLSNames(t *testing.T) {
	for _, c := range []struct{ addr, names, want string }{
		{"127.0.0.1:4599", "", ""},
		{":4599", "", ""},
		{"0.0.0.0:4599", "", ""},
		{"[::]:4599", "kms", "kms"},
		{"192.0.2.7:4599", "kms.example.org", "192.0.2.7 kms.example.org"},
		{"[fe80::1%eth0]:4599", "", "fe80::1"},
		{"kms.example.org:4599", "", "kms.example.org"},
	} {
		names, err := devTLS{true, strings.Fields(c.names)}.certificateNames(c.addr)
		if want := strings.TrimSpace("localhost 127.0.0.1 ::1 " + c.want); err != nil || strings.Join(names, " ") != want {
			t.Errorf("%s, %s: %q, %v", c.addr, c.names, names, err)
		}
	}
	for _, c := range []struct {
		o    devTLS
		want string
	}{{devTLS{false, []string{"kms"}}, "add --tls"}, {devTLS{true, []string{"https://kms"}}, "without scheme and port"}} {
		if _, err := c.o.certificateNames("127.0.0.1:4599"); err == nil || !isUsage(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v", c.o, err)
		}
	}
	if names, err := (devTLS{}).certificateNames("127.0.0.1:4599"); err != nil || names != nil {
		t.Error(names, err)
	}
}

// TestTLSRemedies checks the remedies that client commands print for each fault of TLS.
func TestTLSRemedies(t *testing.T) {
	clearAWS(t)
	secure, plain := kmstest.Start(t, kmstest.TLS()), kmstest.Start(t)
	for _, c := range []struct{ endpoint, bundle, want string }{
		{secure.Endpoint, "", "set AWS_CA_BUNDLE to the PEM file of the authority that signed the certificate"},
		{strings.Replace(secure.Endpoint, "https:", "http:", 1), "", "write the endpoint with https://"},
		{strings.Replace(plain.Endpoint, "http:", "https:", 1), "", "write the endpoint with http://"},
		{otherAddress(t, secure), secure.AuthorityFile, "use a name or an address that the line above lists"},
	} {
		t.Setenv("AWS_CA_BUNDLE", c.bundle)
		for _, args := range [][]string{{"expiring"}, {"clock", "show"}} {
			root, shown := command(), new(bytes.Buffer)
			root.SetArgs(append(args, "--endpoint-url", c.endpoint))
			root.SetErr(io.Discard)
			if code := report(shown, root.ExecuteContext(t.Context())); code != exitFailed || !strings.Contains(shown.String(), c.want) {
				t.Errorf("%v at %s: exit code %d, without %q:\n%s", args, c.endpoint, code, c.want, shown)
			}
		}
	}
}

// otherAddress starts a relay to the server, and returns its endpoint. The certificate is not valid
// for the address of the relay.
func otherAddress(t *testing.T, s *kmstest.Server) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", strings.TrimPrefix(s.Endpoint, "https://"))
			if err != nil {
				near.Close()
				continue
			}
			go func() { defer far.Close(); io.Copy(far, near) }()
			go func() { defer near.Close(); io.Copy(near, far) }()
		}
	}()
	return "https://" + l.Addr().String()
}

func isUsage(err error) bool {
	_, is := errors.AsType[usageError](err)
	return is
}
