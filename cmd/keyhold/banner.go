package main

import (
	"io"
	"net"
	"net/netip"

	"github.com/keyhold/keyhold/internal/guarded"
)

// printBanner shows how to reach a dev server. It writes once: who waits for the endpoint
// finds all of the banner.
func printBanner(w io.Writer, o devOptions, addr string, t trusted) {
	var p page
	endpoint := endpointAt("http", addr, "")
	if t.Server != nil {
		endpoint = endpointAt("https", addr, "localhost")
	}
	kept := "in memory: everything is gone when it stops"
	if o.data != "" {
		kept = "sealed in " + o.data
	}
	p.printf(`Keyhold dev server (%s)

  endpoint     %s
  credentials  %s / %s, the root of account %s
`, kept, endpoint, devAccessKey, devSecret, o.account)
	if o.anyCredentials {
		p.printf("               and ANY OTHERS, unverified (--any-credentials); 12 digits name an account\n")
	}
	p.printf(`  Region       any

For the shell:
  export AWS_ENDPOINT_URL=%[1]s AWS_ENDPOINT_URL_KMS=%[1]s
  export AWS_ACCESS_KEY_ID=%[2]s AWS_SECRET_ACCESS_KEY=%[3]s AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
`, endpoint, devAccessKey, devSecret)
	p.trust(t)
	p.printf(`For the AWS CLI (old versions heed no endpoint in the environment, so name it):
  aws --endpoint-url %[1]s kms create-key --origin EXTERNAL
For the clock that keys and import tokens live by:
  keyhold clock advance 25h --endpoint-url %[1]s

`, endpoint)
	if !isLoopback("http://" + addr) {
		p.printf("Anybody who reaches %s can use these credentials: they are for tests only.\n\n", addr)
	}
	p.writeTo(w)
}

// trust shows how each client is told to trust the authority of a dev server.
func (p *page) trust(t trusted) {
	if t.Server == nil {
		return
	}
	p.printf(`  export AWS_CA_BUNDLE=%[1]s
For programs that do not read AWS_CA_BUNDLE (docs/clients.md names them); the certificate is good until %[2]s:
  Node.js        export NODE_EXTRA_CA_CERTS=%[1]s
  Go, OpenSSL    export SSL_CERT_FILE=%[1]s
  Java           keytool -importcert -noprompt -alias keyhold -file %[1]s -keystore keyhold.p12 -storepass changeit
                 export JAVA_TOOL_OPTIONS="-Djavax.net.ssl.trustStore=$PWD/keyhold.p12 -Djavax.net.ssl.trustStorePassword=changeit"
  MongoDB        tlsCAFile=%[1]s, in the TLS options of the KMS provider
`, guarded.Shell(t.file), t.Authority.NotAfter.Format("2006-01-02"))
}

// endpointAt returns the URL of a server that listens on addr. A server on all addresses
// of its machine is called by the name, if one is given.
func endpointAt(scheme, addr, name string) string {
	host, port, err := net.SplitHostPort(addr)
	if a, failed := netip.ParseAddr(host); err == nil && failed == nil && a.IsUnspecified() && name != "" {
		addr = net.JoinHostPort(name, port)
	}
	return scheme + "://" + addr
}
