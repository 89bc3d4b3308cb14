package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"

	"golang.org/x/crypto/scrypt"
	"golang.org/x/crypto/sha3"
)

// A wallet is the encrypted key file of an Ethereum wallet ("Web3 Secret Storage", version 3).
type wallet struct {
	Cipher       string
	CipherText   string
	CipherParams struct{ IV string }
	KDF          string
	KDFParams    struct {
		DKLen, C, N, R, P int
		PRF, Salt         string
	}
	MAC string
}

// readWallet decrypts the private scalar on secp256k1 in a wallet file.
func (r *reader) readWallet(o object) (*File, error) {
	member := o["crypto"]
	if member == nil {
		member = o["Crypto"]
	}
	var w wallet
	if err := json.Unmarshal(member, &w); err != nil || string(o["version"]) != "3" {
		return nil, refuse("wallet", "version "+short(string(o["version"])))
	}
	if w.Cipher != "aes-128-ctr" {
		return nil, refuse("wallet", "cipher "+short(w.Cipher))
	}
	if !w.bounded() {
		return nil, refuse("wallet", "key derivation "+short(w.KDF))
	}
	secret, err := r.passphrase()
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	key, err := w.derive(secret)
	if err != nil {
		return nil, refuse("wallet", "key derivation "+short(w.KDF))
	}
	scalar, err := w.open(r.keep(key))
	if err != nil {
		return nil, err
	}
	return scalarFile("ECC_SECG_P256K1", r.keep(scalar), "Ethereum wallet")
}

// open decrypts the scalar. The first half of the derived key is for the cipher, the second half for the MAC of
// the ciphertext.
func (w *wallet) open(key []byte) ([]byte, error) {
	iv, err1 := hex.DecodeString(w.CipherParams.IV)
	encrypted, err2 := hex.DecodeString(w.CipherText)
	mac, err3 := hex.DecodeString(w.MAC)
	if err1 != nil || err2 != nil || err3 != nil || len(iv) != aes.BlockSize || len(encrypted) != 32 {
		return nil, refuse("damaged JSON")
	}
	h := sha3.NewLegacyKeccak256() // Ethereum uses Keccak as it was before FIPS 202
	h.Write(key[16:32])
	h.Write(encrypted)
	if subtle.ConstantTimeCompare(h.Sum(nil), mac) != 1 {
		return nil, ErrPassphrase
	}
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		return nil, err
	}
	scalar := make([]byte, len(encrypted))
	cipher.NewCTR(block, iv).XORKeyStream(scalar, encrypted)
	return scalar, nil
}

// bounded reports whether the key derivation is known and takes less than minutes of work and 1 GiB of memory.
func (w *wallet) bounded() bool {
	k := w.KDFParams
	switch w.KDF {
	case "scrypt":
		return k.DKLen == 32 && k.N <= 1<<20 && k.R <= 8 && k.P <= 16
	case "pbkdf2":
		return k.DKLen == 32 && k.PRF == "hmac-sha256" && k.C >= 1 && k.C <= maxIterations
	}
	return false
}

func (w *wallet) derive(secret []byte) ([]byte, error) {
	k := w.KDFParams
	salt, err := hex.DecodeString(k.Salt)
	if err != nil {
		return nil, err
	}
	if w.KDF == "scrypt" {
		return scrypt.Key(secret, salt, k.N, k.R, k.P, k.DKLen)
	}
	return pbkdf2.Key(sha256.New, string(secret), salt, k.C, k.DKLen)
}

// scalarFile returns the file of a private scalar whose curve follows from the file format.
func scalarFile(keySpec string, scalar []byte, form string) (*File, error) {
	k, err := fromScalar(keySpec, scalar)
	if err != nil {
		return nil, err
	}
	return &File{form: form, key: &k}, nil
}
