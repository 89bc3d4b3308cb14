package recipients

import (
	"bytes"
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// A kind is a key encapsulation mechanism of HPKE.
type kind struct {
	name   string
	kem    hpke.KEM
	public int // bytes of a public key
	enc    int // bytes of an encapsulated key
}

// kinds returns the kinds of recipients of HPKE: each is an approved algorithm, FIPS 203 or SP 800-56A.
func kinds() []kind {
	return []kind{
		{"mlkem1024", hpke.MLKEM1024(), 1568, 1568},
		{"mlkem768", hpke.MLKEM768(), 1184, 1088},
		{"p384", hpke.DHKEM(ecdh.P384()), 97, 97},
		{"p256", hpke.DHKEM(ecdh.P256()), 65, 65},
	}
}

// Kinds returns the names of the kinds of recipients of HPKE. The first one is the default.
func Kinds() (names []string) {
	for _, k := range kinds() {
		names = append(names, k.name)
	}
	return names
}

func findKind(name string) (*kind, error) {
	for _, k := range kinds() {
		if k.name == name {
			return &k, nil
		}
	}
	return nil, fmt.Errorf("%q is not a kind of recipient of HPKE: %s", name, strings.Join(Kinds(), ", "))
}

// The text of a recipient is recipientPrefix, the kind, a colon, and the encoded public key. An identity has
// identityPrefix, the kind in capitals, and the encoded private key.
const (
	recipientPrefix = "hpke-"
	identityPrefix  = "HPKE-SECRET-"
)

// checksumSize is the size in bytes of the checksum in an encoded key, which finds typing errors.
const checksumSize = 4

func checksum(kind string, key []byte) []byte {
	sum := sha256.Sum256(append([]byte(kind+":"), key...))
	return sum[:checksumSize]
}

func encodeKey(kind string, key []byte) string {
	return base64.RawURLEncoding.EncodeToString(append(bytes.Clone(key), checksum(kind, key)...))
}

// decodeKey decodes the part of a text after its prefix: a kind, a colon, and an encoded key.
func decodeKey(text string) (k *kind, key []byte, err error) {
	name, encoded, ok := strings.Cut(text, ":")
	if !ok {
		return nil, nil, errors.New("it has no colon after its kind")
	}
	if k, err = findKind(strings.ToLower(name)); err != nil {
		return nil, nil, err
	}
	key, err = base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || len(key) <= checksumSize {
		return nil, nil, errors.New("its key is not base64url")
	}
	end := len(key) - checksumSize
	if !bytes.Equal(key[end:], checksum(k.name, key[:end])) {
		return nil, nil, errors.New("its checksum is wrong: a character was changed, or is missing")
	}
	return k, key[:end], nil
}

func parsePublic(text string) (r Recipient, err error) {
	k, key, err := decodeKey(strings.TrimPrefix(text, recipientPrefix))
	if err != nil {
		return r, err
	}
	public, err := k.kem.NewPublicKey(key)
	if err != nil {
		return r, fmt.Errorf("its key is not a public key of the kind %s", k.name)
	}
	return publicRecipient(k, public), nil
}

// publicRecipient returns a recipient, whose name has 64 bits of the SHA-256 of its public key.
func publicRecipient(k *kind, public hpke.PublicKey) Recipient {
	sum := sha256.Sum256(public.Bytes())
	return Recipient{Name: recipientPrefix + k.name + " " + hex.EncodeToString(sum[:8]), kind: k, key: public}
}

// Text returns the text of a recipient of HPKE, which Parse reads.
func (r Recipient) Text() string {
	if r.key == nil {
		return r.Name
	}
	return recipientPrefix + r.kind.name + ":" + encodeKey(r.kind.name, r.key.Bytes())
}

// Generate makes an identity of HPKE, as text of one line, and its recipient. The caller clears the identity.
func Generate(kindName string) (identity []byte, r Recipient, err error) {
	k, err := findKind(kindName)
	if err != nil {
		return nil, r, err
	}
	private, err := k.kem.GenerateKey()
	if err != nil {
		return nil, r, err
	}
	key, err := private.Bytes()
	if err != nil {
		return nil, r, err
	}
	defer clear(key)
	text := identityPrefix + strings.ToUpper(k.name) + ":" + encodeKey(k.name, key) + "\n"
	return []byte(text), publicRecipient(k, private.PublicKey()), nil
}
