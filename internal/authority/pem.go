package authority

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// The types of PEM blocks (RFC 7468, sections 5 and 10).
const (
	blockCertificate = "CERTIFICATE"
	blockKey         = "PRIVATE KEY"
)

// MaxEncoded is more than an encoded Server has, in bytes.
const MaxEncoded = 1 << 18

// PEM returns the certificate of the authority.
func (s *Server) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: s.Authority.Raw})
}

// Encode returns the private key of the server, its certificate and the authority, in
// PEM. The text is as secret as the private key.
func (s *Server) Encode() ([]byte, error) {
	key, err := x509.MarshalPKCS8PrivateKey(s.Certificate.PrivateKey)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	leaf := pem.EncodeToMemory(&pem.Block{Type: blockCertificate, Bytes: s.Certificate.Certificate[0]})
	return bytes.Join([][]byte{pem.EncodeToMemory(&pem.Block{Type: blockKey, Bytes: key}), leaf, s.PEM()}, nil), nil
}

// Decode returns the Server that Encode encoded.
func Decode(text []byte) (*Server, error) {
	var blocks [3][]byte
	for i, want := range []string{blockKey, blockCertificate, blockCertificate} {
		block, rest := pem.Decode(text)
		if block == nil || block.Type != want {
			return nil, fmt.Errorf("PEM block %d of 3 is not a %s", i+1, want)
		}
		blocks[i], text = block.Bytes, rest
	}
	defer clear(blocks[0])
	parsed, err := x509.ParsePKCS8PrivateKey(blocks[0])
	if err != nil {
		return nil, errors.New("the private key cannot be read") // the cause could show parts of the key
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("the private key is not of ECDSA")
	}
	ca, err := x509.ParseCertificate(blocks[2])
	if err != nil {
		return nil, err
	}
	return newServer(blocks[1], key, ca)
}
