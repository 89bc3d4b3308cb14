package browser

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// disabled is JavaScript that reports whether a button cannot be pressed.
func disabled(name string) string {
	return `(` + find + `)("button", ` + quote(name) + `)[0]?.disabled`
}

func randomHex(size int) string {
	b := make([]byte, size)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// Key material of a wrong size, and originals that were not saved, stop the import in the page.
func TestImportRefusesMaterial(t *testing.T) {
	needsWhole(t)
	t.Parallel()
	endpoint := startDev(t)
	c := client(endpoint)
	p := signedIn(t, endpoint)
	folder := p.saveTo()
	k := createKey(t, c, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
	p.toStep3(*k.KeyId, "RSAES_OAEP_SHA_256", "RSA_2048")
	p.until("nothing can be encrypted", disabled("Encrypt the key material"))
	p.tick("Paste")
	p.paste(randomHex(31))
	p.see("This is 31 bytes (hexadecimal), and a key of the spec SYMMETRIC_DEFAULT takes 32 bytes")
	p.until("nothing can be encrypted", disabled("Encrypt the key material"))
	p.paste("-----BEGIN ENCRYPTED PRIVATE KEY-----")
	p.see(`The private key is encrypted. Use the tab "Offline" and keyhold wrap, which reads this file.`)

	p.tick("Generate")
	p.press("Generate key material")
	p.press("Save the original")
	p.saved(folder, *k.KeyId+".hex")
	p.until("the original is saved once", disabled("Save the original"))
	p.until("the import waits for the saved file", disabled("Encrypt the key material"))
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte(randomHex(32)), 0o600); err != nil {
		t.Fatal(err)
	}
	p.chooseFile("Check the saved file", other)
	p.see("This file holds other key material.")
	p.until("the import waits for the saved file", disabled("Encrypt the key material"))
	if state := describe(t, c, *k.KeyId).KeyState; state != types.KeyStatePendingImport {
		t.Errorf("the key is %s", state)
	}
}

// A closed connection changes nothing: the same import can be sent again.
func TestImportAfterClosedConnection(t *testing.T) {
	needsWhole(t)
	t.Parallel()
	r := record(t, startDev(t))
	p := signedIn(t, r.endpoint)
	k := createKey(t, client(r.endpoint), "HMAC_256", "GENERATE_VERIFY_MAC")
	p.toStep3(*k.KeyId, "RSAES_OAEP_SHA_256", "RSA_2048")
	p.tick("Paste")
	p.paste(randomHex(32))
	p.press("Encrypt the key material")
	p.tick(never)
	r.cutAt("TrentService.ImportKeyMaterial")
	p.press("Import the key material")
	p.see("The server did not answer.")
	if !r.wasCut() {
		t.Error("the connection was not closed")
	}
	r.cutAt("")
	p.press("Import the key material")
	p.see("Imported and proved")
	p.see("compute the same message authentication code of random bytes")
}

// swap makes the page receive another value of a member in the answers of an operation.
func (p *page) swap(operation, member, value string) {
	p.Helper()
	eval[bool](p, `(() => {
		const real = window.fetch;
		window.fetch = async (url, options) => {
			const answer = await real(url, options);
			if (options?.headers?.["x-amz-target"] !== "TrentService." + `+quote(operation)+`) return answer;
			return Response.json({...await answer.json(), [`+quote(member)+`]: `+quote(value)+`});
		};
		return true;
	})()`)
}

// Somebody replaces the wrapping public key on the way: the page shows the fingerprint of the false key, and the
// server refuses the import.
func TestImportWithFalseWrappingKey(t *testing.T) {
	needsWhole(t)
	t.Parallel()
	endpoint := startDev(t)
	p := signedIn(t, endpoint)
	k := createKey(t, client(endpoint), "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
	key := makeKey(t, filepath.Join(t.TempDir(), "false.pem"), "RSA_2048")
	public := openssl(t, "pkey", "-in", key, "-pubout", "-outform", "DER")
	p.swap("GetParametersForImport", "PublicKey", base64.StdEncoding.EncodeToString(public))
	p.toStep3(*k.KeyId, "RSAES_OAEP_SHA_256", "RSA_2048")
	p.see(fingerprintOf(public))
	p.tick("Paste")
	p.paste(randomHex(32))
	p.press("Encrypt the key material")
	p.tick(never)
	p.press("Import the key material")
	p.see("InvalidCiphertextException")
	p.see("the wrapped material does not open with the key pair of the import token")
	p.see("start again with new parameters")
	p.press("Start again with a new public key")
	p.see("Step 2")
}

// A server that shows another key material ID is not believed.
func TestImportNotProved(t *testing.T) {
	needsWhole(t)
	t.Parallel()
	endpoint := startDev(t)
	p := signedIn(t, endpoint)
	k := createKey(t, client(endpoint), "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
	p.swap("ImportKeyMaterial", "KeyMaterialId", randomHex(32))
	p.toStep3(*k.KeyId, "RSAES_OAEP_SHA_256", "RSA_2048")
	p.tick("Paste")
	p.paste(randomHex(32))
	p.press("Encrypt the key material")
	p.tick(never)
	p.press("Import the key material")
	p.see("The import was accepted, but not proved")
	p.see("The server shows another key material ID than the one that this page computed.")
	p.see("Do not use the key yet.")
	p.lacks("Imported and proved")
}
