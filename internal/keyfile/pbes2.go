package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"fmt"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/scrypt"
)

// Object identifiers of PKCS #5 (RFC 8018, appendices A.4, B.1 and C), of scrypt (RFC
// 7914, section 7) and of AES.
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
)

// hashOfHMAC returns the hash of a pseudorandom function of PBKDF2.
func hashOfHMAC(oid asn1.ObjectIdentifier) func() hash.Hash {
	return map[string]func() hash.Hash{
		"1.2.840.113549.2.7":  sha1.New,
		"1.2.840.113549.2.9":  sha256.New,
		"1.2.840.113549.2.10": sha512.New384,
		"1.2.840.113549.2.11": sha512.New,
	}[oid.String()]
}

// A blockCipher encrypts in CBC mode.
type blockCipher struct {
	name    string
	keySize int
	new     func(key []byte) (cipher.Block, error)
}

func cipherOf(oid asn1.ObjectIdentifier) (blockCipher, bool) {
	c, ok := map[string]blockCipher{
		"2.16.840.1.101.3.4.1.2":  {"AES-128-CBC", 16, aes.NewCipher},
		"2.16.840.1.101.3.4.1.22": {"AES-192-CBC", 24, aes.NewCipher},
		"2.16.840.1.101.3.4.1.42": {"AES-256-CBC", 32, aes.NewCipher},
		"1.2.840.113549.3.7":      {"DES-EDE3-CBC", 24, des.NewTripleDESCipher},
	}[oid.String()]
	return c, ok
}

// decryptPKCS8 decrypts an EncryptedPrivateKeyInfo (RFC 5208, section 6) with the encryption scheme PBES2 (RFC
// 8018, section 6.2).
func (r *reader) decryptPKCS8(info cryptobyte.String) (pkcs8 []byte, form string, err error) {
	var algorithm, encrypted cryptobyte.String
	var scheme asn1.ObjectIdentifier
	if !info.ReadASN1(&algorithm, tag.SEQUENCE) || !algorithm.ReadASN1ObjectIdentifier(&scheme) ||
		!info.ReadASN1(&encrypted, tag.OCTET_STRING) || !info.Empty() {
		return nil, "", errNotKnown
	}
	if !scheme.Equal(oidPBES2) {
		return nil, "", refuse("encryption", nameOf(scheme))
	}
	derive, c, iv, err := parsePBES2(algorithm)
	if err != nil {
		return nil, "", err
	}
	secret, err := r.passphrase()
	if err != nil {
		return nil, "", err
	}
	defer clear(secret)
	key, err := derive(secret)
	if err != nil {
		return nil, "", refuse("encryption", "PBES2")
	}
	defer clear(key)
	opened, err := r.decryptCBC(c, key, iv, encrypted)
	if err != nil {
		return nil, "", err
	}
	opened, _ = r.toDER(opened)
	pkcs8, _, err = r.fromDER(opened)
	if err == errNotKnown {
		err = ErrPassphrase
	}
	return pkcs8, fmt.Sprintf("encrypted PKCS #8 (%s)", c.name), err
}

// A derivation derives a key from a passphrase.
type derivation func(passphrase []byte) ([]byte, error)

// parsePBES2 reads PBES2-params.
func parsePBES2(parameters cryptobyte.String) (derive derivation, c blockCipher, iv []byte, err error) {
	var params, kdf, scheme cryptobyte.String
	var kdfOID, cipherOID asn1.ObjectIdentifier
	if !parameters.ReadASN1(&params, tag.SEQUENCE) ||
		!params.ReadASN1(&kdf, tag.SEQUENCE) || !kdf.ReadASN1ObjectIdentifier(&kdfOID) ||
		!params.ReadASN1(&scheme, tag.SEQUENCE) || !scheme.ReadASN1ObjectIdentifier(&cipherOID) {
		return nil, c, nil, refuse("encryption", "PBES2")
	}
	c, known := cipherOf(cipherOID)
	if !known || !scheme.ReadASN1Bytes(&iv, tag.OCTET_STRING) {
		return nil, c, nil, refuse("encryption", nameOf(cipherOID))
	}
	ok := false
	switch {
	case kdfOID.Equal(oidPBKDF2):
		derive, ok = parsePBKDF2(kdf, c.keySize)
	case kdfOID.Equal(oidScrypt):
		derive, ok = parseScrypt(kdf, c.keySize)
	}
	if !ok {
		return nil, c, nil, refuse("encryption", "the key derivation "+nameOf(kdfOID))
	}
	return derive, c, iv, nil
}

// maxIterations is the maximum number of iterations of a key derivation. More would take minutes.
const maxIterations = 100_000_000

func parsePBKDF2(kdf cryptobyte.String, keySize int) (derivation, bool) {
	var params, prf cryptobyte.String
	var salt []byte
	var iterations int
	var hasPRF bool
	prfOID := asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7} // DEFAULT algid-hmacWithSHA1
	ok := kdf.ReadASN1(&params, tag.SEQUENCE) && params.ReadASN1Bytes(&salt, tag.OCTET_STRING) &&
		params.ReadASN1Integer(&iterations) && skipKeyLength(&params) &&
		params.ReadOptionalASN1(&prf, &hasPRF, tag.SEQUENCE) && (!hasPRF || prf.ReadASN1ObjectIdentifier(&prfOID))
	h := hashOfHMAC(prfOID)
	if !ok || h == nil || iterations < 1 || iterations > maxIterations {
		return nil, false
	}
	return func(passphrase []byte) ([]byte, error) {
		return pbkdf2.Key(h, string(passphrase), salt, iterations, keySize)
	}, true
}

// maxScrypt limits the memory and work of scrypt (RFC 7914, section 2): 128·N·r bytes of memory, p times, may be
// 1 GiB.
const maxScrypt = 1 << 23

func parseScrypt(kdf cryptobyte.String, keySize int) (derivation, bool) {
	var params cryptobyte.String
	var salt []byte
	var n, r, p int
	if !kdf.ReadASN1(&params, tag.SEQUENCE) || !params.ReadASN1Bytes(&salt, tag.OCTET_STRING) ||
		!params.ReadASN1Integer(&n) || !params.ReadASN1Integer(&r) || !params.ReadASN1Integer(&p) ||
		n < 2 || r < 1 || p < 1 || n > maxScrypt || r > maxScrypt/n || p > 64 {
		return nil, false
	}
	return func(passphrase []byte) ([]byte, error) { return scrypt.Key(passphrase, salt, n, r, p, keySize) }, true
}

// skipKeyLength skips the optional length of the key, because the cipher determines the length. It reports
// whether the parameters are well formed.
func skipKeyLength(params *cryptobyte.String) bool {
	return params.SkipOptionalASN1(tag.INTEGER)
}

// decryptCBC decrypts content that was padded to whole blocks (RFC 8018, section 6.1.1, step 4). If the result is
// a SEQUENCE, the passphrase was right.
func (r *reader) decryptCBC(c blockCipher, key, iv, encrypted []byte) ([]byte, error) {
	block, err := c.new(key)
	if err != nil {
		return nil, err
	}
	size := block.BlockSize()
	if len(iv) != size || len(encrypted) == 0 || len(encrypted)%size != 0 {
		return nil, refuse("encryption", c.name+" with a wrong size")
	}
	opened := r.buffer(len(encrypted))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(opened, encrypted)
	padding := int(opened[len(opened)-1])
	if padding < 1 || padding > size {
		return nil, ErrPassphrase
	}
	content := opened[:len(opened)-padding]
	if !r.isSequence(content) {
		return nil, ErrPassphrase
	}
	return content, nil
}

// isSequence reports whether content is one SEQUENCE in DER or BER.
func (r *reader) isSequence(content []byte) bool {
	der, _ := r.toDER(content)
	input := cryptobyte.String(der)
	return input.SkipASN1(tag.SEQUENCE) && input.Empty()
}
