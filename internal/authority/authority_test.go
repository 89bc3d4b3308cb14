package authority

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func newServerFor(t *testing.T, names ...string) *Server {
	t.Helper()
	s, err := New(names, now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The names in the certificate, for names given by flags.
func TestNames(t *testing.T) {
	for given, want := range map[string]string{
		"":                              "",
		"kms.example.org":               "kms.example.org",
		"KMS.Example.org.":              "kms.example.org",
		"*.example.org":                 "*.example.org",
		"localhost 127.0.0.1 ::1":       "",
		"0:0:0:0:0:0:0:1":               "",
		"192.0.2.7 2001:DB8::7":         "192.0.2.7 2001:db8::7",
		"::ffff:192.0.2.7 192.0.2.7":    "192.0.2.7",
		"my_container kms":              "my_container kms",
		strings.Repeat("a", 63) + ".b.": strings.Repeat("a", 63) + ".b",
	} {
		got, err := Names(strings.Fields(given))
		if want = strings.TrimSpace("localhost 127.0.0.1 ::1 " + want); err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: %q, %v", given, got, err)
		}
	}
	for _, bad := range []string{
		"", ".", "https://kms.example.org", "kms.example.org:4599", "a b", "a..b", ".a", "-a.b", "a-.b", "*", "*.", "a.*.b", "**.b",
		"münchen.example", "fe80::1%eth0", "10.0.0.0/8", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a", "a\nb", "a\x00b",
	} {
		if got, err := Names([]string{bad}); err == nil {
			t.Errorf("%q is accepted: %q", bad, got)
		}
		if _, err := New([]string{bad}, now); err == nil {
			t.Errorf("a certificate for %q", bad)
		}
	}
	var many []string
	for i := range MaxNames - len(Always()) {
		many = append(many, fmt.Sprintf("n%d", i))
	}
	if _, err := Names(many); err != nil {
		t.Error(err)
	}
	if _, err := Names(append(many, "one.more")); err == nil {
		t.Errorf("%d names are accepted", MaxNames+1)
	}
}

// Check agrees with clients.
func TestCheck(t *testing.T) {
	s := newServerFor(t, "kms.example.org", "192.0.2.7")
	for _, at := range []time.Time{now, now.Add(1 - early), now.Add(Validity - early - time.Second)} {
		if err := s.Check([]string{"kms.example.org", "192.0.2.7"}, at); err != nil {
			t.Errorf("%v: %v", at, err)
		}
	}
	for _, at := range []time.Time{now.Add(-early - time.Second), now.Add(Validity - early + time.Second)} {
		if s.Check(nil, at) == nil {
			t.Errorf("%v: valid", at)
		}
	}
	for _, name := range []string{"example.org", "a.kms.example.org", "kms.example.com", "192.0.2.8", "2001:db8::1", "127.0.0.2"} {
		if s.Check([]string{name}, now) == nil {
			t.Errorf("valid for %s", name)
		}
	}
	wild := newServerFor(t, "*.example.org")
	if err := wild.Check([]string{"a.example.org", "*.example.org"}, now); err != nil {
		t.Error(err)
	}
	if permitted := wild.Authority.PermittedDNSDomains; !slices.Equal(permitted, []string{"localhost", "example.org"}) { // RFC 5280 has no wildcards there
		t.Errorf("permitted: %q", permitted)
	}
	other := *s
	other.Authority = newServerFor(t).Authority
	if other.Check(nil, now) == nil {
		t.Error("the authority of another server will do")
	}
}

// Certificates that an authority could sign if its private key still existed: clients accept its
// own names and no others. Go and OpenSSL agree.
func TestAuthorityIsConstrained(t *testing.T) {
	const permitted = "kms.example.org"
	ca, sign, err := newAuthority(append(Always(), permitted, "192.0.2.7"), now)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		ok   bool
	}{
		{"localhost", true}, {"127.0.0.1", true}, {"::1", true}, {permitted, true}, {"192.0.2.7", true},
		{"example.org", false}, {"kms.us-east-1.amazonaws.com", false}, {"192.0.2.8", false}, {"2001:db8::1", false},
	} {
		leaf := certificate("a server", now)
		leaf.DNSNames, leaf.IPAddresses = split([]string{c.name})
		der := signCertificate(t, leaf, ca, sign)
		s, err := newServer(der, sign, ca)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Certificate.Leaf.Verify(x509.VerifyOptions{DNSName: c.name, Roots: s.Pool(), CurrentTime: now})
		if (err == nil) != c.ok {
			t.Errorf("Go, %s: %v", c.name, err)
		}
		if out, err := openssl(t, s, c.name); (err == nil) != c.ok {
			t.Errorf("OpenSSL, %s: %s", c.name, out)
		}
	}
	below := certificate("an authority below", now)
	below.IsCA, below.BasicConstraintsValid, below.KeyUsage = true, true, x509.KeyUsageCertSign
	lower, err := x509.ParseCertificate(signCertificate(t, below, ca, sign))
	if err != nil {
		t.Fatal(err)
	}
	leaf := certificate("a server", now)
	leaf.DNSNames = []string{permitted}
	s, err := newServer(signCertificate(t, leaf, lower, sign), sign, ca)
	if err != nil {
		t.Fatal(err)
	}
	between := x509.NewCertPool()
	between.AddCert(lower)
	if _, err := s.Certificate.Leaf.Verify(x509.VerifyOptions{Roots: s.Pool(), Intermediates: between, CurrentTime: now}); err == nil {
		t.Error("the authority signs authorities")
	}
}

// signCertificate returns a certificate for the public key of sign itself.
func signCertificate(t *testing.T, template, ca *x509.Certificate, sign *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, ca, sign.Public(), sign)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// openssl verifies the certificate of the server for a name with OpenSSL.
func openssl(t *testing.T, s *Server, name string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	encoded, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{"all.pem": encoded, "ca.pem": s.PEM()} {
		if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	flag := "-verify_hostname"
	if net.ParseIP(name) != nil {
		flag = "-verify_ip"
	}
	c := exec.CommandContext(t.Context(), "openssl", "verify", "-purpose", "sslserver", "-x509_strict", "-attime", fmt.Sprint(now.Unix()),
		"-CAfile", "ca.pem", flag, name, "all.pem")
	c.Dir = dir
	out, err := c.CombinedOutput()
	return string(out), err
}

// OpenSSL accepts a certificate of New with its strictest checks.
func TestOpenSSL(t *testing.T) {
	s := newServerFor(t, "kms.us-east-1.amazonaws.com", "192.0.2.7")
	for name, ok := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true, "kms.us-east-1.amazonaws.com": true, "192.0.2.7": true,
		"kms.us-west-2.amazonaws.com": false, "192.0.2.8": false,
	} {
		if out, err := openssl(t, s, name); (err == nil) != ok {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// A Server can be decoded after Encode and then works. Decode rejects all other text.
func TestEncode(t *testing.T) {
	s := newServerFor(t)
	text, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > MaxEncoded/10 {
		t.Errorf("%d bytes", len(text))
	}
	again, err := Decode(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Check(nil, now); err != nil || !bytes.Equal(again.PEM(), s.PEM()) {
		t.Errorf("another authority: %v", err)
	}
	handshake(t, again, s.Pool())
	if bytes.Contains(s.PEM(), []byte("PRIVATE")) {
		t.Error("the file of the authority has a private key")
	}
	other, err := newServerFor(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	const end = "-----END PRIVATE KEY-----\n"
	key, rest, _ := strings.Cut(string(text), end)
	_, restOfOther, _ := strings.Cut(string(other), end)
	for what, bad := range map[string]string{
		"empty": "", "cut": string(text[:len(text)-10]), "without a key": rest, "a key alone": key + end,
		"the certificate of another key": key + end + restOfOther, "damaged": strings.Replace(string(text), "M", "N", 1), "text": "hello",
	} {
		if _, err := Decode([]byte(bad)); err == nil {
			t.Errorf("%s: decoded", what)
		} else if strings.Contains(err.Error(), key[30:60]) {
			t.Errorf("%s: the error shows the key", what)
		}
	}
}

func handshake(t *testing.T, s *Server, roots *x509.CertPool) {
	t.Helper()
	near, far := net.Pipe()
	served := make(chan error, 1)
	go func() {
		served <- tls.Server(far, &tls.Config{Certificates: []tls.Certificate{s.Certificate}}).Handshake()
	}()
	at := func() time.Time { return now }
	if err := tls.Client(near, &tls.Config{RootCAs: roots, ServerName: "localhost", Time: at}).Handshake(); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// Two servers have different authorities with different names.
func TestAuthoritiesDiffer(t *testing.T) {
	a, b := newServerFor(t).Authority, newServerFor(t).Authority
	if bytes.Equal(a.RawSubject, b.RawSubject) || bytes.Equal(a.RawSubjectPublicKeyInfo, b.RawSubjectPublicKeyInfo) || a.SerialNumber.Cmp(b.SerialNumber) == 0 {
		t.Error("two authorities have something in common")
	}
}
