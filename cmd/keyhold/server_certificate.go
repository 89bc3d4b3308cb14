package main

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"time"
)

// reachable returns the address by which clients can call the server. If the certificate is not valid
// for the listening address, it is a name or address of the certificate.
func reachable(addr string, cert *x509.Certificate) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || cert.VerifyHostname(host) == nil {
		return addr
	}
	for _, name := range cert.DNSNames {
		if !strings.Contains(name, "*") {
			return net.JoinHostPort(name, port)
		}
	}
	for _, ip := range cert.IPAddresses {
		return net.JoinHostPort(ip.String(), port)
	}
	return addr
}

// A signer is the authority that clients must trust to trust a certificate.
type signer struct {
	name   string
	system bool // this machine trusts the authority
	inFile bool // the chain of the certificate ends with the authority
}

// signerOf returns the authority of a certificate with its chain.
func signerOf(cert tls.Certificate, roots *x509.CertPool, now time.Time) signer {
	chain, last := x509.NewCertPool(), cert.Leaf
	for _, der := range cert.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			chain.AddCert(c)
			last = c
		}
	}
	_, err := cert.Leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: chain, CurrentTime: now})
	ofItself := last.CheckSignature(last.SignatureAlgorithm, last.RawTBSCertificate, last.Signature) == nil
	return signer{name: last.Issuer.String(), system: err == nil, inFile: ofItself}
}
