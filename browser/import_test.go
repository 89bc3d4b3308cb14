package browser

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/byok"
)

// A person creates a key, generates key material, imports it and sees the proof. Nothing of the key material is in
// what passes between the page and the server.
func TestImport(t *testing.T) {
	t.Parallel()
	r := record(t, startDev(t))
	c := client(r.endpoint)
	p := signedIn(t, r.endpoint)
	folder := p.saveTo()
	p.fill("Alias", "alias/payments")
	p.press("Create the key")
	p.see("Step 2: Download the public key and import token")
	id := strings.TrimPrefix(eval[string](p, `location.hash`), "#/import/")
	p.press("Download the public key and import token")
	p.see("Step 3: Encrypt the key material")
	path := p.generate(folder, id+".hex")
	p.see("512 bytes")
	p.press("Encrypt the key material")
	p.see("Step 4: Import the key material")
	p.see("alias/payments")
	p.tick(expires)
	p.press("90 days")
	p.press("Import the key material")
	p.see("Imported and proved")
	p.see("A random challenge that the server encrypted opens with the copy of the key material in this page.")

	material := readHex(t, path)
	k := describe(t, c, "alias/payments")
	checkExpiry(t, k)
	own, err := byok.KeyMaterialID(id, material)
	if err != nil || own != aws.ToString(k.CurrentKeyMaterialId) {
		t.Errorf("the key material ID of the original is %s, and the server has %s: %v", own, *k.CurrentKeyMaterialId, err)
	}
	p.see(own)
	out, err := c.Encrypt(t.Context(), &kms.EncryptInput{KeyId: &id, Plaintext: []byte("plaintext")})
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := byok.Decrypt(material, out.CiphertextBlob, nil); string(plain) != "plaintext" {
		t.Errorf("the original does not open a ciphertext: %v", err)
	}
	checkSecret(t, p, r, material)
}

// checkSecret checks that key material was not sent, and that the page does not show it.
func checkSecret(t *testing.T, p *page, r *recorder, material []byte) {
	t.Helper()
	sent := r.octets()
	if !bytes.Contains(sent, []byte("TrentService.ImportKeyMaterial")) {
		t.Fatal("the import is not in the record of the network")
	}
	scan(t, "the network", sent, material)
	for _, request := range p.sent() {
		scan(t, request.url, []byte(request.url+request.headers+request.body), material)
	}
	scan(t, "the page", []byte(eval[string](p, `document.documentElement.outerHTML`)), material)
	storage := eval[string](p, `JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])`)
	scan(t, "the storage of the page", []byte(storage), material)
}

func readHex(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	material, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return material
}
