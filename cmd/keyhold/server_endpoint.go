package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/keyhold/keyhold/internal/conns"
	"github.com/keyhold/keyhold/internal/guarded"
)

// endpointOptions are the flags of keyhold serve and keyhold witness for their address.
type endpointOptions struct{ addr, certFile, keyFile string }

func (o *endpointOptions) flags(c *cobra.Command, addr string) {
	c.Flags().StringVar(&o.addr, "addr", addr, "address to listen on; port 0 takes a free one")
	c.Flags().StringVar(&o.certFile, "tls-cert", "", "file of the certificate and its chain, PEM")
	c.Flags().StringVar(&o.keyFile, "tls-key", "", "file of the certificate's private key, PEM")
}

// check rejects an address that is not on the loopback interface without a certificate.
func (o endpointOptions) check() error {
	host, _, err := net.SplitHostPort(o.addr)
	ip := net.ParseIP(host)
	switch {
	case err != nil:
		return usageError{fmt.Errorf("--addr: %w", err)}
	case (o.certFile == "") != (o.keyFile == ""):
		return usageError{errors.New("--tls-cert and --tls-key belong together: give both or none")}
	case o.certFile == "" && host != "localhost" && (ip == nil || !ip.IsLoopback()):
		return usageError{fmt.Errorf(
			"--addr %s is not on the loopback interface, and without TLS anybody on the network path can read and change "+
				"requests: give --tls-cert and --tls-key, or listen on 127.0.0.1", o.addr)}
	}
	return nil
}

// listen returns a listener. With a certificate, it sets the configuration of TLS.
func (o endpointOptions) listen(secure **tls.Config) (net.Listener, error) {
	if o.certFile != "" {
		cert, err := o.certificate()
		if err != nil {
			return nil, err
		}
		*secure = conns.TLS(cert)
	}
	l, err := net.Listen("tcp", o.addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (choose another address with --addr)", o.addr, err)
	}
	return l, nil
}

// maxPEM is more than the size of a certificate chain or a private key, in bytes.
const maxPEM = 1 << 20

// certificate reads the certificate and its private key.
func (o endpointOptions) certificate() (cert tls.Certificate, err error) {
	chain, err := os.ReadFile(o.certFile)
	if err != nil {
		return cert, fmt.Errorf("--tls-cert: %w", err)
	}
	private, err := guarded.ReadSecret("the TLS key", o.keyFile, maxPEM)
	if err != nil {
		return cert, fmt.Errorf("--tls-key: %w", err)
	}
	defer clear(private)
	if cert, err = tls.X509KeyPair(chain, private); err != nil {
		return cert, fmt.Errorf("--tls-cert and --tls-key: %w", err)
	}
	return cert, nil
}
