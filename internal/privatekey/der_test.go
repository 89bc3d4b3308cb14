package privatekey

import (
	encoding "encoding/asn1"
	"math/big"
	"slices"
)

// The parts of crafted keys. Each function returns one element in DER.

func derElement(tag byte, content ...[]byte) []byte {
	body := slices.Concat(content...)
	switch n := len(body); {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, body...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, body...)
	default:
		return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, body...)
	}
}

func derSequence(members ...[]byte) []byte { return derElement(0x30, members...) }

func derOctets(content ...[]byte) []byte { return derElement(0x04, content...) }

func derTagged(n byte, content ...[]byte) []byte { return derElement(0xa0|n, content...) }

func derBits(content []byte) []byte { return derElement(0x03, []byte{0}, content) }

func derInt(n *big.Int) []byte {
	b, err := encoding.Marshal(n)
	if err != nil {
		panic(err)
	}
	return b
}

func derOID(arcs ...int) []byte {
	b, err := encoding.Marshal(encoding.ObjectIdentifier(arcs))
	if err != nil {
		panic(err)
	}
	return b
}

var derZero = []byte{2, 1, 0}

// derPKCS8 returns a PrivateKeyInfo, with the given bytes after the private key.
func derPKCS8(algorithm, privateKey []byte, more ...[]byte) []byte {
	return derSequence(append([][]byte{derZero, algorithm, derOctets(privateKey)}, more...)...)
}
