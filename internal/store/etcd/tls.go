package etcd

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"strings"

	"github.com/keyhold/keyhold/internal/guarded"
)

const maxPassword = 4096 // bytes of a password file

// tlsConfig returns the configuration of TLS, or nil if connections do not use TLS. Files with faults are
// reported at once.
func (c Config) tlsConfig() (*tls.Config, error) {
	if !c.TLS {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("the authorities of the store: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate in PEM", c.CAFile)
		}
	}
	if c.CertFile == "" {
		return t, nil
	}
	if _, err := c.clientCertificate(); err != nil {
		return nil, err
	}
	t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.clientCertificate() }
	return t, nil
}

// clientCertificate reads the files for each connection, so that a renewed certificate needs no restart.
func (c Config) clientCertificate() (*tls.Certificate, error) {
	cert, err := os.ReadFile(c.CertFile)
	if err != nil {
		return nil, fmt.Errorf("the client certificate of the store: %w", err)
	}
	key, err := guarded.ReadSecret("the private key of the store's client certificate", c.KeyFile, 1<<16)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("the client certificate %s with the key %s: %w", c.CertFile, c.KeyFile, err)
	}
	return &pair, nil
}

// password returns the password of User, without the line end of its file.
func (c Config) password() (string, error) {
	switch {
	case c.User == "":
		return "", nil
	case c.PasswordEnv != "":
		password := os.Getenv(c.PasswordEnv)
		if password == "" {
			return "", fmt.Errorf("the environment variable %s, which should have the password of the store, is empty",
				c.PasswordEnv)
		}
		return password, nil
	}
	content, err := guarded.ReadSecret("the file with the password of the store", c.PasswordFile, maxPassword)
	if err != nil {
		return "", err
	}
	defer clear(content)
	password := strings.TrimRight(string(content), "\r\n")
	if password == "" {
		return "", fmt.Errorf("the file with the password of the store, %s, is empty", c.PasswordFile)
	}
	return password, nil
}
