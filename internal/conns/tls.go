package conns

import "crypto/tls"

// TLS returns the settings of a server with the certificate: TLS 1.2 or newer, and
// HTTP/1.1, because the server speaks no other version.
func TLS(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"}}
}
