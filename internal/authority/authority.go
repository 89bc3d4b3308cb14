// Package authority makes the certificate of a test server, and a certificate authority
// that signs it. The authority signs nothing else, because New drops its private key. Name
// constraints limit the authority to the names of the server (RFC 5280, section 4.2.1.10).
//
// The package does not touch files. Server.Encode and Decode convert a Server to text
// that holds the private key of the server.
package authority

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"slices"
	"strings"
	"time"
)

const (
	// Validity is how long the certificates are valid. Programs of Apple accept no
	// certificate of a server that is valid for more than 825 days.
	Validity = 800 * 24 * time.Hour
	// early is how long before their making the certificates become valid, for clients
	// whose clocks are behind.
	early = 24 * time.Hour
	// MaxNames is how many names a certificate can have.
	MaxNames = 100
)

// Always are the names that every Server has.
func Always() []string { return []string{"localhost", "127.0.0.1", "::1"} }

// A Server is the certificate of a server with its private key, and the authority that
// signed the certificate.
type Server struct {
	Certificate tls.Certificate
	Authority   *x509.Certificate
}

// New returns a Server for the names of Always and the given host names and IP
// addresses. A host name may begin with "*.".
func New(names []string, now time.Time) (*Server, error) {
	names, err := Names(names)
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	ca, sign, err := newAuthority(names, now)
	if err != nil {
		return nil, err
	}
	template := certificate("Keyhold test server", now)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.DNSNames, template.IPAddresses = split(names)
	der, err := x509.CreateCertificate(rand.Reader, template, ca, key.Public(), sign)
	if err != nil {
		return nil, err
	}
	return newServer(der, key, ca)
}

func newServer(der []byte, key *ecdsa.PrivateKey, ca *x509.Certificate) (*Server, error) {
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if !key.PublicKey.Equal(leaf.PublicKey) {
		return nil, errors.New("the private key does not belong to the certificate")
	}
	return &Server{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, ca}, nil
}

// newAuthority returns an authority for servers with the names, and its private key.
func newAuthority(names []string, now time.Time) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	// Each authority has a name of its own: OpenSSL looks authorities up by name.
	template := certificate(fmt.Sprintf("Keyhold test authority %.8s", rand.Text()), now)
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.PermittedDNSDomainsCritical = true
	hosts, addresses := split(names)
	for _, host := range hosts {
		template.PermittedDNSDomains = append(template.PermittedDNSDomains, strings.TrimPrefix(host, "*."))
	}
	for _, a := range addresses {
		bits := 8 * len(a)
		template.PermittedIPRanges = append(template.PermittedIPRanges, &net.IPNet{IP: a, Mask: net.CIDRMask(bits, bits)})
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, nil, err
	}
	ca, err := x509.ParseCertificate(der)
	return ca, key, err
}

// certificate returns what both certificates have in common.
func certificate(name string, now time.Time) *x509.Certificate {
	serial := make([]byte, 16)
	rand.Read(serial)
	serial[0] = serial[0]&0x7f | 0x40 // positive and always of 16 octets (RFC 5280, section 4.1.2.2)
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{Organization: []string{"Keyhold"}, CommonName: name},
		NotBefore:    now.Add(-early),
		NotAfter:     now.Add(Validity - early),
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
}

// Pool returns the authority as the only root that a client trusts.
func (s *Server) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Authority)
	return pool
}

// Check reports why a client that trusts the authority would refuse the server under one
// of the names of Always and the given names, at a time.
func (s *Server) Check(names []string, at time.Time) error {
	names, err := Names(names)
	if err != nil {
		return err
	}
	for _, name := range names {
		options := x509.VerifyOptions{DNSName: name, Roots: s.Pool(), CurrentTime: at}
		if _, err := s.Certificate.Leaf.Verify(options); err != nil {
			return err
		}
	}
	return nil
}

// Names returns the names of Always and the given names, in lower case and each once. It
// refuses a name that a certificate cannot have.
func Names(given []string) ([]string, error) {
	names := Always()
	for _, name := range given {
		name = strings.ToLower(strings.TrimSuffix(name, "."))
		if ip := net.ParseIP(name); ip != nil {
			name = ip.String()
		} else if !hostName(strings.TrimPrefix(name, "*.")) {
			return nil, fmt.Errorf("%q is not a host name or an IP address: "+
				"write it without scheme and port, as kms.example.org", name)
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > MaxNames {
		return nil, fmt.Errorf("%d names are too many: a certificate has %d at most", len(names), MaxNames)
	}
	return names, nil
}

// hostName reports whether a name has the form of a host name (RFC 1123, section 2.1).
// Underscores are accepted, because the names of containers have them.
func hostName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		outside := strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_")
		if label == "" || len(label) > 63 || outside != "" || strings.Trim(label, "-") != label {
			return false
		}
	}
	return len(name) <= 253
}

// split divides names into host names and addresses.
func split(names []string) (hosts []string, addresses []net.IP) {
	for _, name := range names {
		ip := net.ParseIP(name)
		switch {
		case ip == nil:
			hosts = append(hosts, name)
		case ip.To4() != nil:
			addresses = append(addresses, ip.To4())
		default:
			addresses = append(addresses, ip)
		}
	}
	return hosts, addresses
}
