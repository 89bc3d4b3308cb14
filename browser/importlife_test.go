package browser

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/byok"
)

// fingerprintOf returns the fingerprint of a public key, as keyhold wrap shows it.
func fingerprintOf(public []byte) string {
	sum := sha256.Sum256(public)
	digits := hex.EncodeToString(sum[:])
	var groups []string
	for i := 0; i < len(digits); i += 4 {
		groups = append(groups, digits[i:i+4])
	}
	return strings.Join(groups, " ")
}

// importText imports pasted key material, which does not expire, from step 2 on.
func (p *page) importText(text string) {
	p.Helper()
	p.press("Download the public key and import token")
	p.tick("Paste")
	p.paste(text)
	p.press("Encrypt the key material")
	p.tick(never)
	p.press("Import the key material")
}

// Key material is imported, deleted and imported again; new key material waits, is rotated in and proved. Other key
// material is refused with its remedy.
func TestMaterialLife(t *testing.T) {
	needsWhole(t)
	t.Parallel()
	endpoint := startDev(t)
	c := client(endpoint)
	p := signedIn(t, endpoint)
	k := createKey(t, c, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
	first, second := randomHex(32), randomHex(32)
	p.visit("/import/" + *k.KeyId)
	p.importText(first)
	p.see("Imported and proved")
	firstID := aws.ToString(describe(t, c, *k.KeyId).CurrentKeyMaterialId)

	p.press("Show its key material")
	p.see(firstID)
	p.press("Delete")
	p.until("the deletion waits for the key ID", disabled("Delete the key material"))
	word := (*k.KeyId)[24:]
	p.fill("Type the last 12 characters of the key ID: "+word, word)
	p.press("Delete the key material")
	p.see("missing")
	if state := describe(t, c, *k.KeyId).KeyState; state != types.KeyStatePendingImport {
		t.Errorf("after the deletion the key is %s", state)
	}

	p.press("Import the key material again")
	p.see("Key material that this key has had")
	p.press("Download the public key and import token")
	p.tick("Paste")
	p.paste(second)
	p.see("This key has never had this key material: the server will refuse it.")
	p.press("Encrypt the key material")
	p.tick(never)
	p.press("Import the key material")
	p.see("IncorrectKeyMaterialException")
	p.see("import the original material of this key")
	p.press("Start again with a new public key")
	p.importText(first)
	p.see("Imported and proved")

	p.press("Show its key material")
	p.press("Import new key material")
	p.importText(second)
	p.see("The key material waits for a rotation.")
	if id := aws.ToString(describe(t, c, *k.KeyId).CurrentKeyMaterialId); id != firstID {
		t.Errorf("new key material is current before the rotation: %s", id)
	}
	p.press("Rotate the key on demand")
	p.see("yes: this is the current key material now")
	p.see("A random challenge that the server encrypted opens")
	material, _ := hex.DecodeString(second)
	own, err := byok.KeyMaterialID(*k.KeyId, material)
	if id := aws.ToString(describe(t, c, *k.KeyId).CurrentKeyMaterialId); id != own || err != nil {
		t.Errorf("after the rotation the current key material is %s, not %s: %v", id, own, err)
	}
}

// keyhold runs the program.
func keyhold(t *testing.T, folder string, words ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), program, words...)
	c.Dir = folder
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("keyhold %q: %v\n%s", words, err, out)
	}
	return string(out)
}

// The command in the page wraps key material on another machine. The page imports the file, refuses files for other
// keys and other parameters, and shows what to do when the import token has expired.
func TestImportOffline(t *testing.T) {
	needsWhole(t)
	t.Parallel()
	endpoint := startDev(t)
	c := client(endpoint)
	p := signedIn(t, endpoint)
	folder := p.saveTo()
	k, late := createKey(t, c, "ECC_SECG_P256K1", "SIGN_VERIFY"), createKey(t, c, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
	wrapped := p.wrapOffline(folder, *k.KeyId)
	upload := "File of wrapped key material (wrapped.json)"

	p.visit("/import/" + *late.KeyId + "?tab=offline")
	p.see(*late.KeyId)
	p.chooseFile(upload, wrapped)
	p.see("The file is for the key " + *k.Arn + ", not for this one.")
	p.visit("/import/" + *k.KeyId + "?tab=offline")
	p.see(*k.KeyId)
	p.press("Download the public key and import token")
	p.see("Save params.json")
	p.chooseFile(upload, wrapped)
	p.see("wrapped under another public key than the one of this page")
	p.visit("/import")
	p.visit("/import/" + *k.KeyId + "?tab=offline")
	p.see("Step 2")
	p.chooseFile(upload, wrapped)
	p.tick(never)
	p.press("Import the key material")
	p.see("Imported and proved")
	p.see("public key belongs to the private key")
	if state := describe(t, c, *k.KeyId).KeyState; state != types.KeyStateEnabled {
		t.Errorf("the key is %s", state)
	}

	wrapped = p.wrapOffline(folder, *late.KeyId)
	keyhold(t, folder, "clock", "advance", "25h", "--endpoint-url", endpoint)
	p = newPage(t, endpoint)
	p.open("/import/" + *late.KeyId + "?tab=offline")
	p.signIn()
	p.chooseFile(upload, wrapped)
	p.tick(never)
	p.press("Import the key material")
	p.see("ExpiredImportTokenException")
	p.see("the import token is more than 24 hours old")
	p.see("start again with new parameters")
	p.press("Start again with a new public key")
	p.see("Step 2")
}

// wrapOffline saves the parameters, and runs the command that the page shows.
func (p *page) wrapOffline(folder, id string) string {
	p.Helper()
	p.visit("/import/" + id + "?tab=offline")
	p.see(id)
	p.press("Download the public key and import token")
	os.Remove(filepath.Join(folder, "params.json"))
	p.press("Save params.json")
	file, err := os.ReadFile(p.saved(folder, "params.json"))
	if err != nil {
		p.Fatal(err)
	}
	var parameters map[string]string
	if err := json.Unmarshal(file, &parameters); err != nil {
		p.Fatal(err)
	}
	p.see(parameters["PublicKeyFingerprint"])
	dir := p.TempDir()
	for _, name := range []string{"params.json", "FILE"} {
		content := file
		if name == "FILE" {
			content = p.offlineMaterial(parameters["KeySpec"])
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			p.Fatal(err)
		}
	}
	command := eval[string](p, `[...document.querySelectorAll("pre")].find((e) => e.innerText.startsWith("keyhold wrap")).innerText`)
	shell := exec.CommandContext(p.Context(), "sh", "-c", command)
	shell.Dir, shell.Env = dir, append(os.Environ(), "PATH="+filepath.Dir(program)+":"+os.Getenv("PATH"))
	out, err := shell.CombinedOutput()
	if err != nil {
		p.Fatalf("%s: %v\n%s", command, err, out)
	}
	return filepath.Join(dir, "wrapped.json")
}

func (p *page) offlineMaterial(spec string) []byte {
	p.Helper()
	if spec != "ECC_SECG_P256K1" {
		return []byte(randomHex(32))
	}
	return openssl(p.T, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1")
}
