package main

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/keyhold/keyhold/internal/console"
	"github.com/keyhold/keyhold/internal/guarded"
)

// printBanner prints how to reach a dev server. It writes once, so that a reader that waits for the
// endpoint finds the whole banner.
func printBanner(w io.Writer, o devOptions, addr, region string, t devCertificate) {
	var p page
	endpoint := "http://" + addr
	if t.Server != nil {
		endpoint = "https://" + reachable(addr, t.Certificate.Leaf)
	}
	kept := "in memory: all data is lost when the server stops"
	if o.data != "" {
		kept = "sealed in " + o.name()
	}
	p.printf(`Keyhold dev server (%s)

  endpoint     %s
`, kept, endpoint)
	p.console(o.console, endpoint)
	p.printf("  credentials  %s / %s, the root of account %s\n", devAccessKey, devSecret, o.account)
	if o.anyCredentials {
		p.printf("               and ANY OTHER, unverified (--any-credentials); 12 digits name an account\n")
	}
	p.printf("  Region       any\n\nFor the shell:\n")
	p.exports(endpoint, region)
	p.printf("  export AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n", devAccessKey, devSecret)
	if t.Server != nil {
		p.trust(guarded.Shell(t.file), t.Certificate.Leaf)
	}
	p.printf(`For the AWS CLI (the flag is for old versions, which ignore the endpoint in the environment):
  aws --endpoint-url %[1]s kms create-key --origin EXTERNAL
To move the clock that keys and import tokens follow:
  %[2]s clock advance 25h --endpoint-url %[1]s

`, endpoint, self())
	if !isLoopback("http://" + addr) {
		p.printf("Anybody who can reach %s can use these credentials: use them for tests only.\n\n", addr)
	}
	p.writeTo(w)
}

// printServing prints how to reach a server for production.
func printServing(w io.Writer, o serveOptions, addr, account string, secure *tls.Config) error {
	var p page
	endpoint := "http://" + addr
	if secure != nil {
		endpoint = "https://" + reachable(addr, secure.Certificates[0].Leaf)
	}
	p.printf(
		"Keyhold server\n\n  endpoint     %s\n  account      %s\n  Regions      %s\n",
		endpoint, account, strings.Join(o.regions, ", "))
	p.console(o.console, endpoint)
	p.printf("\n")
	p.printf(
		"For the shell, in addition to the credentials that keyhold init showed, or the credentials of a user " +
			"(docs/identities.md):\n")
	p.exports(endpoint, o.regions[0])
	if secure != nil {
		p.trustServer(o.certFile, secure.Certificates[0])
	}
	p.printf("\n")
	return p.writeTo(w)
}

// console prints where the console is.
func (p *page) console(o consoleOptions, endpoint string) {
	if o.on {
		p.printf("  console      %s%s\n", endpoint, console.Path)
	}
}

// exports prints the variables that tell programs where the server is. AWS_ENDPOINT_URL is for all
// services of AWS, because programs that assume a role call STS at this address too.
func (p *page) exports(endpoint, region string) {
	p.printf(
		"  export AWS_ENDPOINT_URL=%[1]s AWS_ENDPOINT_URL_KMS=%[1]s\n  export AWS_REGION=%[2]s AWS_DEFAULT_REGION=%[2]s\n",
		endpoint, region)
}

// trustServer prints how clients trust the certificate of a server for production.
func (p *page) trustServer(certFile string, cert tls.Certificate) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	by := signerOf(cert, roots, time.Now())
	switch {
	case by.system:
		p.printf(
			"This machine trusts the authority of the certificate, %s. For clients that do not: docs/clients.md.\n", by.name)
	case by.inFile:
		if absolute, err := filepath.Abs(certFile); err == nil {
			certFile = absolute
		}
		p.printf(
			"  # This file contains the authority of the certificate. Programs on other machines need a copy of the file.\n")
		p.trust(guarded.Shell(certFile), cert.Leaf)
	default:
		p.printf("  # Replace AUTHORITY.pem with the file of the authority that signed the certificate: %s\n", by.name)
		p.trust("AUTHORITY.pem", cert.Leaf)
	}
}

// trust prints how each kind of client trusts the authority in a file.
func (p *page) trust(file string, cert *x509.Certificate) {
	p.printf(`  export AWS_CA_BUNDLE=%[1]s
For programs that do not read AWS_CA_BUNDLE (docs/clients.md); the certificate is good until %[2]s:
  Node.js        export NODE_EXTRA_CA_CERTS=%[1]s
  Go, Rust       export SSL_CERT_FILE=%[1]s
  Java           keytool -importcert -noprompt -alias keyhold -file %[1]s -keystore keyhold.p12 -storepass changeit
                 export JAVA_TOOL_OPTIONS="-Djavax.net.ssl.trustStore=$PWD/keyhold.p12 -Djavax.net.ssl.trustStorePassword=changeit"
  MongoDB        tlsCAFile=%[1]s, in the TLS options of the KMS provider
`, file, cert.NotAfter.Format(time.DateOnly))
}
