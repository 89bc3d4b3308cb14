package byok

import (
	"fmt"

	"github.com/keyhold/keyhold/internal/keyfile"
	"github.com/keyhold/keyhold/internal/privatekey"
)

// MaterialSizes returns the minimum and maximum size of the material of a key, in bytes, by the
// API's name of the key's spec. It returns an error if the spec is unknown, or if its material is
// a private key: see [HasPrivateKey].
func MaterialSizes(keySpec string) (least, most int, err error) {
	least, most, err = keyfile.Sizes(keySpec)
	if err != nil {
		err = fmt.Errorf("byok: %w", err)
	}
	return least, most, err
}

// HasPrivateKey reports whether the material of keys of the spec is a private key.
func HasPrivateKey(keySpec string) bool { return privatekey.Known(keySpec) }
