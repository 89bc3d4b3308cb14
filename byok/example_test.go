package byok_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"log"

	"github.com/keyhold/keyhold/byok"
)

// getParametersForImport stands for the call of that name, with WrappingKeySpec
// RSA_3072.
func getParametersForImport() (publicKey []byte) {
	pair, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		log.Fatal(err)
	}
	publicKey, err = x509.MarshalPKIXPublicKey(&pair.PublicKey)
	if err != nil {
		log.Fatal(err)
	}
	return publicKey
}

func Example() {
	const keyID = "1234abcd-12ab-34cd-56ef-1234567890ab"
	material := []byte("use 32 bytes of true randomness!")
	defer clear(material)

	wrapped, err := byok.Wrap(getParametersForImport(), byok.RSAESOAEPSHA256, material)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("EncryptedKeyMaterial:", len(wrapped), "bytes")

	id, err := byok.KeyMaterialID(keyID, material)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("KeyMaterialId, if all is well:", id)
	// Output:
	// EncryptedKeyMaterial: 384 bytes
	// KeyMaterialId, if all is well: a8053a8f0ee2414429e30dd04dad8f9b4a2a4288508ca7122b2cb60eb27f859b
}
