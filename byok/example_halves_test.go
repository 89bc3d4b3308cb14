package byok_test

import (
	"fmt"
	"log"
	"time"

	"github.com/keyhold/keyhold/byok"
)

// On a machine without a network: the file of parameters comes from a machine with a network, and
// the file of wrapped material goes back to that machine.
func ExampleParameters_Wrap() {
	p := &byok.Parameters{ // from GetParametersForImport
		KeyARN:    "arn:aws:kms:eu-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		KeySpec:   "SYMMETRIC_DEFAULT",
		Algorithm: byok.RSAESOAEPSHA256,
		PublicKey: getParametersForImport(),
		Token:     []byte("the import token"),
		ValidTo:   time.Now().Add(24 * time.Hour),
	}
	paramsFile := p.Encode()

	// On the machine without a network: compare the fingerprint, then wrap.
	p, err := byok.ParseParameters(paramsFile)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a fingerprint has", len(byok.Fingerprint(p.PublicKey)), "characters")
	material := []byte("use 32 bytes of true randomness!")
	defer clear(material)
	w, err := p.Wrap(material)
	if err != nil {
		log.Fatal(err)
	}
	wrappedFile := w.Encode()

	// On the machine with a network: send Material and Token with ImportKeyMaterial.
	w, err = byok.ParseWrapped(wrappedFile)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("EncryptedKeyMaterial:", len(w.Material), "bytes")
	fmt.Println("KeyMaterialId, if all is well:", w.KeyMaterialID)
	// Output:
	// a fingerprint has 79 characters
	// EncryptedKeyMaterial: 384 bytes
	// KeyMaterialId, if all is well: a8053a8f0ee2414429e30dd04dad8f9b4a2a4288508ca7122b2cb60eb27f859b
}
