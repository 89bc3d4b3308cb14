package byok_test

import (
	"encoding/base64"
	"fmt"
	"log"

	"github.com/keyhold/keyhold/byok"
)

// The original of the material opens a ciphertext, even if the server is lost.
func ExampleDecrypt() {
	const ciphertext = "ATExMTEyMjIyMzMzMzEyMzRhYmNkLTEyYWItMzRjZC01NmVmLTEyMzQ1Njc4OTBhYscmraAjjq8ICdgWpYGdE5hnxeKO" +
		"OUWkM/j2N3Pg5sZbOvGcS+dRLSZ3GDQ2GQiJwynMD/dl5TraxHjYPq939BXyF88XRadH+QAJExA2cxVs3Rxc9E1Dh6la" +
		"JMeuvZEFUOYp3j3FZQ9IMGWuSzAIrSfEK1LYR+ZG4hJCMSuJ+T1+WvifXdvSB4q7rA=="
	blob, err := base64.StdEncoding.DecodeString(ciphertext)
	if err != nil {
		log.Fatal(err)
	}
	h, err := byok.ParseCiphertext(blob)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("key:", h.KeyID)

	material := make([]byte, 32)
	for i := range material { // a bad original, but sufficient for an example
		material[i] = byte(i)
	}
	defer clear(material)
	plaintext, err := byok.Decrypt(material, blob, map[string]string{"purpose": "test"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("plaintext:", string(plaintext))
	// Output:
	// key: 1234abcd-12ab-34cd-56ef-1234567890ab
	// plaintext: attack at dawn
}
