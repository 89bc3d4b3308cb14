package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// A lab is the folder of one attack, with a certificate, and the servers that run in it.
type lab struct {
	program string
	verbose bool
	dir     string
	roots   *x509.CertPool // trusts the certificate of the servers
	servers []*server
}

func newLab(program string, verbose bool) (*lab, error) {
	dir, err := os.MkdirTemp("", "keyhold-attack")
	if err != nil {
		return nil, err
	}
	l := &lab{program: program, verbose: verbose, dir: dir, roots: x509.NewCertPool()}
	if err := l.certify(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return l, nil
}

func (l *lab) close() {
	for _, s := range l.servers {
		s.stop()
	}
	os.RemoveAll(l.dir)
}

// file returns the path of a file in the folder of the lab.
func (l *lab) file(name string) string { return filepath.Join(l.dir, name) }

// certify writes cert.pem and key.pem, a certificate for 127.0.0.1.
func (l *lab) certify() error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	inPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	l.roots.AppendCertsFromPEM(inPEM)
	return errors.Join(
		os.WriteFile(l.file("cert.pem"), inPEM, 0o600),
		os.WriteFile(l.file("key.pem"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600),
	)
}

// http returns a client that trusts the servers, keeps up to conns connections, and has a time limit of 30
// seconds per request.
func (l *lab) http(conns int) *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: l.roots},
			MaxIdleConnsPerHost: conns,
			MaxConnsPerHost:     conns,
		},
	}
}

// dial opens a TLS connection to a server.
func (l *lab) dial(s *server) (*tls.Conn, error) {
	return tls.DialWithDialer(&net.Dialer{Timeout: 30 * time.Second}, "tcp", s.addr, l.tls())
}

func (l *lab) tls() *tls.Config { return &tls.Config{RootCAs: l.roots, ServerName: "127.0.0.1"} }
