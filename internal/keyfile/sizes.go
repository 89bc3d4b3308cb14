package keyfile

import "fmt"

// Sizes returns how many bytes the material of a key has, by the name that the API gives to the key's spec. It
// is an error if the spec is unknown, or if its material is a private key.
//
// HMAC material is at least as long as the hash and at most 1,024 bits (AWS KMS developer guide, "Requirements
// for imported key material").
func Sizes(keySpec string) (least, most int, err error) {
	const maxHMAC = 128
	switch keySpec {
	case "SYMMETRIC_DEFAULT":
		return 32, 32, nil
	case "HMAC_224":
		return 28, maxHMAC, nil
	case "HMAC_256":
		return 32, maxHMAC, nil
	case "HMAC_384":
		return 48, maxHMAC, nil
	case "HMAC_512":
		return 64, maxHMAC, nil
	}
	return 0, 0, fmt.Errorf("key material of the spec %q is not supported", keySpec)
}

// maxOctets is the size of the longest material that is bytes. The first bytes of a file up to this size do not
// show its kind, because any bytes can be material.
const maxOctets = 128
