package byok

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// privateBlock returns the content of the one private key in a text of PEM blocks
// (RFC 7468), and says if it was encrypted in the old way.
func privateBlock(text []byte, passphrase func() ([]byte, error)) (der []byte, was string, err error) {
	var found *pem.Block
	var others []string
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case !strings.HasSuffix(block.Type, "PRIVATE KEY"):
			others = append(others, block.Type)
		case found != nil:
			return nil, "", errors.New("byok: there are several private keys in it: leave the one that is meant")
		default:
			found = block
		}
	}
	switch {
	case found == nil && len(others) > 0:
		return nil, "", fmt.Errorf("byok: there is no private key in it, but only %s", strings.Join(others, ", "))
	case found == nil:
		return nil, "", errors.New("byok: the PEM is damaged")
	case found.Type == "OPENSSH PRIVATE KEY":
		return nil, "", errors.New("byok: it is in the form of OpenSSH: ssh-keygen -p -m PKCS8 -f FILE writes a copy of it in another")
	case strings.Contains(found.Headers["Proc-Type"], "ENCRYPTED"):
		return decryptBlock(found, passphrase)
	}
	return found.Bytes, "", nil
}

// decryptBlock opens a block that says in its headers how it is encrypted (RFC 1423),
// as OpenSSL did before PKCS #8.
func decryptBlock(block *pem.Block, passphrase func() ([]byte, error)) ([]byte, string, error) {
	secret, err := passphrase()
	if err != nil {
		return nil, "", err
	}
	defer clear(secret)
	//lint:ignore SA1019 what is wrong with it is that it encrypts: this reads what there is
	der, err := x509.DecryptPEMBlock(block, secret)
	if err != nil {
		return nil, "", ErrPassphrase
	}
	how, _, _ := bytes.Cut([]byte(block.Headers["DEK-Info"]), []byte(","))
	return der, fmt.Sprintf("encrypted (%s), ", how), nil
}
