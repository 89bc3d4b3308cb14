// Package derive derives keys of 32 bytes. It has no state and does not know the purposes of keys.
package derive

import (
	"bytes"
	"crypto/fips140"
	"crypto/hkdf"
	"crypto/sha256"
)

// Key returns the first 32 bytes of HKDF-SHA-256 (RFC 5869). No salt is the same as 32 zero bytes.
//
// Unlike crypto/hkdf, Key allocates nothing. In secret mode (runtime/secret), the allocations of crypto/hkdf cost
// several times as much as the computation, and they keep secrets until they are garbage collected. With the FIPS
// 140-3 module, Key calls the module, because only its own HKDF is validated. Only then can Key return an error.
func Key(secret, salt []byte, info string) (key [sha256.Size]byte, err error) {
	if fips140.Enabled() {
		return validated(secret, salt, info)
	}
	pseudorandom := mac(salt, secret, nil)
	defer clear(pseudorandom[:])
	return mac(pseudorandom[:], []byte(info), []byte{1}), nil
}

// validated calls the FIPS 140-3 module with copies of the arguments, so that the arguments of Key can stay on the
// stack.
func validated(secret, salt []byte, info string) (key [sha256.Size]byte, err error) {
	copied := bytes.Clone(secret)
	defer clear(copied)
	out, err := hkdf.Key(sha256.New, copied, bytes.Clone(salt), info, len(key))
	defer clear(out)
	copy(key[:], out)
	return key, err
}

// mac returns HMAC-SHA-256 (FIPS 198-1) of two parts of a text.
func mac(key, text, more []byte) (out [sha256.Size]byte) {
	var block [sha256.BlockSize]byte
	defer clear(block[:])
	if len(key) > len(block) {
		short := sha256.Sum256(key)
		key = short[:]
	}
	copy(block[:], key)
	inner := sha256.New()
	inner.Write(pad(&block, 0x36))
	inner.Write(text)
	inner.Write(more)
	inner.Sum(out[:0])
	outer := sha256.New()
	outer.Write(pad(&block, 0x36^0x5c))
	outer.Write(out[:])
	outer.Sum(out[:0])
	return out
}

// pad adds a byte to each byte of block, modulo 2.
func pad(block *[sha256.BlockSize]byte, with byte) []byte {
	for i := range block {
		block[i] ^= with
	}
	return block[:]
}
