package keyfile

import "fmt"

// Sizes returns the minimum and maximum size of the material of a key, in bytes, by the API's name of the key's
// spec. It returns an error if the spec is unknown, or if its material is a private key. HMAC material is at
// least as long as the hash and at most 1,024 bits (AWS KMS developer guide, "Requirements for imported key
// material").
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

// maxOctets is the maximum size of material that is bytes. The first bytes of a file up to this size do not show
// its kind, because any bytes can be material.
const maxOctets = 128
