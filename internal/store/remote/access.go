// Package remote describes how to reach the engine of a store: the URL of its hosts, TLS, a user and a password.
// It connects to nothing. A URL contains no secret, because other users of a machine can see the arguments of a
// process: the password is in a file or in an environment variable.
package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/keyhold/keyhold/internal/guarded"
)

const maxPassword = 4096 // bytes of a password file

// An Access is how to connect to the hosts of an engine.
type Access struct {
	TLS      bool   // connect by TLS
	CAFile   string // certificates of the authorities, in PEM; without it, those of the system
	CertFile string // client certificate, in PEM, and its private key; read again for each connection
	KeyFile  string

	User         string // name of a user of the engine
	PasswordFile string // file with the password, which only this user may read
	PasswordEnv  string // environment variable with the password
}

// Validate returns an error that names the fault in an Access and the remedy.
func (a Access) Validate() error {
	switch {
	case (a.CertFile == "") != (a.KeyFile == ""):
		return errors.New("the parameters cert and key of the store need each other")
	case !a.TLS && (a.CAFile != "" || a.CertFile != ""):
		return errors.New("the parameters ca, cert and key of the store cannot be used with tls=off")
	case a.PasswordFile != "" && a.PasswordEnv != "":
		return errors.New("the store takes its password from passwordFile or passwordEnv, not from both")
	}
	return nil
}

// HasPassword reports whether the user has a password.
func (a Access) HasPassword() bool { return a.PasswordFile != "" || a.PasswordEnv != "" }

// TLSConfig returns the configuration of TLS, or nil if connections do not use TLS. Files with faults are
// reported at once.
func (a Access) TLSConfig() (*tls.Config, error) {
	if !a.TLS {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CAFile != "" {
		pem, err := os.ReadFile(a.CAFile)
		if err != nil {
			return nil, fmt.Errorf("the authorities of the store: %w", err)
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s has no certificate in PEM", a.CAFile)
		}
	}
	if a.CertFile == "" {
		return t, nil
	}
	if _, err := a.clientCertificate(); err != nil {
		return nil, err
	}
	t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return a.clientCertificate() }
	return t, nil
}

// clientCertificate reads the files for each connection, so that a renewed certificate needs no restart.
func (a Access) clientCertificate() (*tls.Certificate, error) {
	cert, err := os.ReadFile(a.CertFile)
	if err != nil {
		return nil, fmt.Errorf("the client certificate of the store: %w", err)
	}
	key, err := guarded.ReadSecret("the private key of the store's client certificate", a.KeyFile, 1<<16)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("the client certificate %s with the key %s: %w", a.CertFile, a.KeyFile, err)
	}
	return &pair, nil
}

// Password returns the password of the user, or "" if there is none, without the line end of its file.
func (a Access) Password() (string, error) {
	switch {
	case !a.HasPassword():
		return "", nil
	case a.PasswordEnv != "":
		password := os.Getenv(a.PasswordEnv)
		if password == "" {
			return "", fmt.Errorf("the environment variable %s, which should have the password of the store, is empty",
				a.PasswordEnv)
		}
		return password, nil
	}
	content, err := guarded.ReadSecret("the file with the password of the store", a.PasswordFile, maxPassword)
	if err != nil {
		return "", err
	}
	defer clear(content)
	password := strings.TrimRight(string(content), "\r\n")
	if password == "" {
		return "", fmt.Errorf("the file with the password of the store, %s, is empty", a.PasswordFile)
	}
	return password, nil
}
