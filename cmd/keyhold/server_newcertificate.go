package main

import (
	"encoding/pem"
	"errors"
	"io"
	"os"
	"time"

	"github.com/keyhold/keyhold/internal/authority"
)

// A newCertificate is a certificate that this program makes for a server, with an authority of its own.
type newCertificate struct {
	name                 string // host name or IP address of the server
	cert, key, authority string // files
}

// make makes the files, unless they exist, and prints the fingerprint of the certificate.
func (n newCertificate) make(out io.Writer) error {
	if isMissing(n.cert) && isMissing(n.key) {
		if err := n.write(); err != nil {
			return err
		}
	}
	chain, err := os.ReadFile(n.cert)
	if err != nil {
		return err
	}
	first, _ := pem.Decode(chain)
	if first == nil {
		return errors.New(n.cert + " has no certificate in PEM: remove the file, and run the command again")
	}
	return printf(out, "The certificate of %s has the SHA-256 fingerprint %s.\nClients trust its authority: %s\n",
		n.name, fingerprint(first.Bytes), n.authority)
}

func (n newCertificate) write() error {
	made, err := authority.New([]string{n.name}, time.Now())
	if err != nil {
		return err
	}
	secret, err := made.Encode()
	if err != nil {
		return err
	}
	defer clear(secret)
	leaf := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made.Certificate.Certificate[0]})
	return errors.Join(
		replaceFile(n.key, secret, 0o600),
		replaceFile(n.authority, made.PEM(), 0o644),
		replaceFile(n.cert, append(leaf, made.PEM()...), 0o644),
	)
}
