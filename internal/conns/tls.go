package conns

import (
	"crypto/tls"
	"crypto/x509"
)

// TLS returns the settings of a server with the certificate: TLS 1.2 or newer, and
// HTTP/1.1, because the server speaks no other version.
func TLS(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}}
}

// DemandCertificates makes a server refuse handshakes of clients without a certificate that one of the authorities has
// signed. Each handshake checks the certificate again, because the server resumes no sessions.
func DemandCertificates(c *tls.Config, authorities *x509.CertPool) {
	c.ClientAuth, c.ClientCAs, c.SessionTicketsDisabled = tls.RequireAndVerifyClientCert, authorities, true
}

// SetTLS gives later handshakes other settings. The Table must have been made with TLS. Open connections stay as they
// are.
func (t *Table) SetTLS(c *tls.Config) { t.secure.Store(c.Clone()) }

// Certificate returns the certificate of later handshakes, or nil without TLS.
func (t *Table) Certificate() *x509.Certificate {
	if t.TLS == nil {
		return nil
	}
	return t.secure.Load().Certificates[0].Leaf
}
