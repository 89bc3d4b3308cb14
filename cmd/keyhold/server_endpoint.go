package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/guarded"
)

// endpointOptions are the flags of keyhold serve and keyhold witness for their address.
type endpointOptions struct{ addr, certFile, keyFile, clientCA, minVersion string }

func (o *endpointOptions) flags(c *cobra.Command, addr string) {
	c.Flags().StringVar(&o.addr, "addr", addr, "address to listen on; port 0 takes a free one")
	c.Flags().StringVar(&o.certFile, "tls-cert", "", "file of the certificate and its chain, PEM")
	c.Flags().StringVar(&o.keyFile, "tls-key", "", "file of the certificate's private key, PEM")
	c.Flags().StringVar(&o.clientCA, "tls-client-ca", "",
		"file of the authorities of clients, PEM: clients must show a certificate, besides signing their requests")
	c.Flags().StringVar(&o.minVersion, "tls-min-version", "1.3", "oldest version of TLS that clients may use: 1.3 or 1.2")
	completeWords(c, "tls-min-version", "1.3", "1.2")
}

// check rejects an address that is not on the loopback interface without a certificate.
func (o endpointOptions) check() error {
	host, _, err := net.SplitHostPort(o.addr)
	ip := net.ParseIP(host)
	switch {
	case err != nil:
		return usageError{fmt.Errorf("--addr: %w: write it as 127.0.0.1:4599", err)}
	case (o.certFile == "") != (o.keyFile == ""):
		return usageError{errors.New("--tls-cert and --tls-key belong together: give both or none")}
	case tlsVersions[o.minVersion] == 0:
		return usageError{fmt.Errorf("--tls-min-version %q is neither 1.3 nor 1.2", o.minVersion)}
	case o.clientCA != "" && o.certFile == "":
		return usageError{errors.New("--tls-client-ca is for a server with TLS: give --tls-cert and --tls-key")}
	case o.certFile == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()):
		return usageError{fmt.Errorf(
			"--addr %s is not on the loopback interface, and without TLS anybody on the network path can read and change "+
				"requests: give --tls-cert and --tls-key, or listen on 127.0.0.1", o.addr)}
	}
	return nil
}

// listen returns a listener. With a certificate, it sets the configuration of TLS.
func (o endpointOptions) listen(secure **tls.Config) (l net.Listener, err error) {
	if *secure, err = o.secure(); err != nil {
		return nil, err
	}
	l, err = net.Listen("tcp", o.addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (choose another address with --addr)", o.addr, err)
	}
	return l, nil
}

// tlsVersions are the values of --tls-min-version.
var tlsVersions = map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13}

// secure returns the settings of TLS, or nil without a certificate. Go chooses the key exchange, and prefers the hybrid
// X25519MLKEM768 (https://pkg.go.dev/crypto/tls#Config, CurvePreferences).
func (o endpointOptions) secure() (*tls.Config, error) {
	if o.certFile == "" {
		return nil, nil
	}
	cert, err := o.certificate()
	if err != nil {
		return nil, err
	}
	c := conns.TLS(cert)
	c.MinVersion = tlsVersions[o.minVersion]
	if o.clientCA == "" {
		return c, nil
	}
	authorities, err := readPool("--tls-client-ca", o.clientCA)
	if err != nil {
		return nil, err
	}
	conns.DemandCertificates(c, authorities)
	return c, nil
}

// readPool reads the certificates of authorities.
func readPool(flag, path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: give the file of the authority", flag, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s: %s has no certificate in PEM: give the file of the authority", flag, path)
	}
	return pool, nil
}

// maxPEM is more than the size of a certificate chain or a private key, in bytes.
const maxPEM = 1 << 20

// certificate reads the certificate and its private key.
func (o endpointOptions) certificate() (cert tls.Certificate, err error) {
	chain, err := os.ReadFile(o.certFile)
	if err != nil {
		return cert, fmt.Errorf("--tls-cert: %w: give the file of the certificate", err)
	}
	private, err := guarded.ReadSecret("the TLS key", o.keyFile, maxPEM)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: give the file of the certificate's private key", err)
	}
	if err != nil {
		return cert, fmt.Errorf("--tls-key: %w", err) // other errors have their own remedy
	}
	defer clear(private)
	if cert, err = tls.X509KeyPair(chain, private); err != nil {
		return cert, fmt.Errorf("--tls-cert and --tls-key: %w: give a certificate and its private key, in PEM", err)
	}
	return cert, nil
}
