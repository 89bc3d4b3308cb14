package recipients

import (
	"bytes"
	"crypto/hpke"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"
)

// An Identity is a private key that opens files. It has one of the two keys.
type Identity struct {
	age  age.Identity
	kind *kind
	key  hpke.PrivateKey
}

// ParseIdentities reads a file of identities of age and of HPKE, one in each line, or a private key of SSH. If the
// private key is encrypted, passphrase is called when it is needed. The caller clears the file.
func ParseIdentities(file []byte, passphrase func() ([]byte, error)) (all []Identity, err error) {
	if bytes.HasPrefix(bytes.TrimSpace(file), []byte("-----BEGIN")) {
		return parseSSH(file, passphrase)
	}
	n := 0
	for line := range strings.Lines(string(file)) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, err := parseIdentity(line)
		if err != nil {
			return nil, fmt.Errorf("line %d is not an identity of age or HPKE: %w", n, err)
		}
		all = append(all, id)
	}
	if len(all) == 0 {
		return nil, errors.New("this is neither a file of identities of age or HPKE nor a private key of SSH")
	}
	return all, nil
}

func parseIdentity(line string) (id Identity, err error) {
	if !strings.HasPrefix(line, identityPrefix) {
		found, err := age.ParseIdentities(strings.NewReader(line))
		if err != nil {
			return id, errors.New("its form is unknown")
		}
		return Identity{age: found[0]}, nil
	}
	k, key, err := decodeKey(strings.TrimPrefix(line, identityPrefix))
	if err != nil {
		return id, err
	}
	defer clear(key)
	private, err := k.kem.NewPrivateKey(key)
	if err != nil {
		return id, fmt.Errorf("its key is not a private key of the kind %s", k.name)
	}
	return Identity{kind: k, key: private}, nil
}

func parseSSH(file []byte, passphrase func() ([]byte, error)) ([]Identity, error) {
	if bytes.HasPrefix(file, []byte(armor.Header)) {
		return nil, errors.New("the identities are encrypted: decrypt them with age -d, or decrypt the file with age")
	}
	id, err := agessh.ParseIdentity(file)
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok && missing.PublicKey != nil {
		id, err = agessh.NewEncryptedSSHIdentity(missing.PublicKey, bytes.Clone(file), passphrase)
	}
	if err != nil {
		return nil, errors.New("this is not a private key of SSH that age can use: give an Ed25519 or RSA key")
	}
	return []Identity{{age: id}}, nil
}
