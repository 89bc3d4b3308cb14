package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/conns"
)

// A testAuthority signs certificates for the tests of banners.
type testAuthority struct {
	*x509.Certificate
	key *ecdsa.PrivateKey
}

func newTestAuthority(t *testing.T, name string, by *testAuthority) *testAuthority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := testTemplate(name)
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	made := &testAuthority{template, key}
	if by == nil {
		by = made
	}
	der, err := x509.CreateCertificate(rand.Reader, template, by.Certificate, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	if made.Certificate, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return made
}

func testTemplate(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}
}

// server returns a certificate for the names, with the certificates of the chain after it.
func (a *testAuthority) server(t *testing.T, names string, chain ...*testAuthority) tls.Certificate {
	t.Helper()
	template := testTemplate("a server")
	for _, name := range strings.Fields(names) {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.Certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	for _, above := range chain {
		cert.Certificate = append(cert.Certificate, above.Raw)
	}
	return cert
}

// TestSignerOf checks which authority the banner names, from the chain of the certificate and from
// the roots of the system.
func TestSignerOf(t *testing.T) {
	root := newTestAuthority(t, "the root", nil)
	middle := newTestAuthority(t, "the middle", root)
	trusting, empty := x509.NewCertPool(), x509.NewCertPool()
	trusting.AddCert(root.Certificate)
	itself := newTestAuthority(t, "itself", nil)
	for name, c := range map[string]struct {
		cert tls.Certificate
		want signer
	}{
		"the middle with the file":   {middle.server(t, "kms", middle), signer{"CN=the root", false, false}},
		"all in the file":            {middle.server(t, "kms", middle, root), signer{"CN=the root", false, true}},
		"the leaf alone":             {middle.server(t, "kms"), signer{"CN=the middle", false, false}},
		"directly below the root":    {root.server(t, "kms"), signer{"CN=the root", false, false}},
		"a self-signed certificate":  {tls.Certificate{Certificate: [][]byte{itself.Raw}, Leaf: itself.Certificate}, signer{"CN=itself", false, true}},
		"a broken chain":             {tls.Certificate{Certificate: [][]byte{itself.Raw, []byte("x")}, Leaf: itself.Certificate}, signer{"CN=itself", false, true}},
		"a root of the same name":    {newTestAuthority(t, "the root", nil).server(t, "kms"), signer{"CN=the root", false, false}},
		"below another's signatures": {root.server(t, "kms", newTestAuthority(t, "the root", nil)), signer{"CN=the root", false, true}},
	} {
		if got := signerOf(c.cert, empty, time.Now()); got != c.want {
			t.Errorf("%s: %+v, not %+v", name, got, c.want)
		}
	}
	for cert, want := range map[*tls.Certificate]bool{
		new(middle.server(t, "kms", middle)): true, new(root.server(t, "kms")): true, new(middle.server(t, "kms")): false,
		new(newTestAuthority(t, "the root", nil).server(t, "kms")): false,
	} {
		if got := signerOf(*cert, trusting, time.Now()); got.system != want {
			t.Errorf("with the root in the system: %+v", got)
		}
	}
	if signerOf(root.server(t, "kms"), trusting, time.Now().Add(2*time.Hour)).system {
		t.Error("an expired certificate is trusted")
	}
}

// TestReachable checks that the banner shows an address that the certificate is valid for.
func TestReachable(t *testing.T) {
	a := newTestAuthority(t, "an authority", nil)
	for _, c := range []struct{ addr, names, want string }{
		{"127.0.0.1:4599", "localhost 127.0.0.1", "127.0.0.1:4599"},
		{"127.0.0.1:4599", "kms.example.org 127.0.0.1", "127.0.0.1:4599"},
		{"127.0.0.1:4599", "kms.example.org", "kms.example.org:4599"},
		{"[::]:4599", "*.example.org kms.example.org", "kms.example.org:4599"},
		{"[::]:4599", "*.example.org 192.0.2.7", "192.0.2.7:4599"},
		{"[::]:4599", "2001:db8::7", "[2001:db8::7]:4599"},
		{"[::]:4599", "", "[::]:4599"},
		{"[::1]:4599", "::1", "[::1]:4599"},
	} {
		if got := reachable(c.addr, a.server(t, c.names).Leaf); got != c.want {
			t.Errorf("%s with %q: %s, not %s", c.addr, c.names, got, c.want)
		}
	}
}

// TestServingBanner checks the lines for clients that keyhold serve prints: without TLS, with an
// unknown authority, and with an authority in the certificate file.
func TestServingBanner(t *testing.T) {
	root := newTestAuthority(t, "the root", nil)
	const shell = "export AWS_ENDPOINT_URL=E AWS_ENDPOINT_URL_KMS=E\n  export AWS_REGION=eu-west-2 AWS_DEFAULT_REGION=eu-west-2\n"
	dir := t.TempDir()
	t.Chdir(dir)
	o := serveOptions{regions: []string{"eu-west-2", "us-east-1"}, endpointOptions: endpointOptions{certFile: "my server.pem"}}
	for _, c := range []struct {
		cert      []tls.Certificate
		endpoint  string
		has, none string
	}{
		{nil, "http://127.0.0.1:4599", "\n", "AWS_CA_BUNDLE"},
		{[]tls.Certificate{root.server(t, "kms.example.org")}, "https://kms.example.org:4599", "export AWS_CA_BUNDLE=AUTHORITY.pem\n", "my server"},
		{[]tls.Certificate{root.server(t, "127.0.0.1", root)}, "https://127.0.0.1:4599", "export AWS_CA_BUNDLE='" + filepath.Join(dir, o.certFile) + "'\n", "AUTHORITY"},
	} {
		var secure *tls.Config
		if c.cert != nil {
			secure = conns.TLS(c.cert[0])
		}
		var b bytes.Buffer
		if err := printServing(&b, o, "127.0.0.1:4599", "111122223333", secure); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"endpoint     " + c.endpoint + "\n", strings.NewReplacer("E ", c.endpoint+" ", "E\n", c.endpoint+"\n").Replace(shell), c.has} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("not in the banner: %s\n%s", want, &b)
			}
		}
		if strings.Contains(b.String(), c.none) {
			t.Errorf("%q is in the banner:\n%s", c.none, &b)
		}
	}
}
