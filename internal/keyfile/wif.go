package keyfile

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"regexp"
)

// wifText is a private key on secp256k1 in the wallet import format of Bitcoin: 37 or 38 bytes in base58, of the main
// network or a test network.
var wifText = regexp.MustCompile(`^[5KL9c][1-9A-HJ-NP-Za-km-z]{50,51}$`)

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// fromWIF returns the scalar of a text in wallet import format: a byte for the network, the scalar, 1 if the public
// key is to be compressed, and four bytes of a check sum. Text with another check sum is not in this format.
func (r *reader) fromWIF(text []byte) (scalar []byte, ok bool) {
	if !wifText.Match(text) {
		return nil, false
	}
	n, digit := new(big.Int), new(big.Int)
	defer wipe(n, digit)
	for _, c := range text {
		n.Mul(n, big.NewInt(58))
		n.Add(n, digit.SetInt64(int64(bytes.IndexByte([]byte(base58), c))))
	}
	size := (n.BitLen() + 7) / 8 // 37 or 38, because wifText permits only such first digits
	octets := n.FillBytes(r.buffer(size))
	content, check := octets[:size-4], octets[size-4:]
	once := sha256.Sum256(content)
	twice := sha256.Sum256(once[:])
	if !bytes.Equal(twice[:4], check) || size == 38 && content[33] != 1 {
		return nil, false
	}
	return content[1:33], true
}
