package browser

import (
	"bytes"
	"cmp"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/keyhold/keyhold/internal/key"
)

// usedInShort are the keys that the short form tries: one for each usage, and the spec that also signs digests.
var usedInShort = []string{
	"SYMMETRIC_DEFAULT ENCRYPT_DECRYPT", "ECC_NIST_EDWARDS25519 SIGN_VERIFY", "HMAC_256 GENERATE_VERIFY_MAC",
	"ECC_NIST_P256 KEY_AGREEMENT", "ML_KEM_768 ENCAPSULATE_DECAPSULATE",
}

// The box of a key carries out the operations of the key with each algorithm that the server has. The Python lines run.
func TestUse(t *testing.T) {
	t.Parallel()
	endpoint := startDev(t)
	p, c := signedIn(t, endpoint), client(endpoint)
	rows := strings.Split(key.SuiteTable(), "\n")[1:]
	for _, row := range rows {
		f := strings.Fields(row)
		if short := slices.Contains(usedInShort, f[0]+" "+f[1]); !whole && !short {
			continue
		}
		out, err := c.CreateKey(t.Context(), &kms.CreateKeyInput{KeySpec: types.KeySpec(f[0]), KeyUsage: types.KeyUsageType(f[1])})
		if err != nil {
			t.Fatal(err)
		}
		u := use{p, c, out.KeyMetadata}
		p.visit("/keys/" + *u.key.KeyId + "?tab=use")
		p.see("In programs")
		p.see(*u.key.Arn)
		for _, algorithm := range strings.Split(f[4], ",") {
			u.try(algorithm)
		}
		u.runLines()
	}
}

// A use is the page of a key.
type use struct {
	*page
	kms *kms.Client
	key *types.KeyMetadata
}

// try carries out the operations of the key with an algorithm in the page, and compares the results.
func (u use) try(algorithm string) {
	u.Helper()
	message := "message 🔑 for " + algorithm
	switch u.key.KeyUsage {
	case types.KeyUsageTypeEncryptDecrypt:
		blob := u.operate("Encrypt", algorithm, "Text for Encrypt", message)[0]
		if got := u.operate("Decrypt", algorithm, "CiphertextBlob in base64", blob)[0]; got != message {
			u.Errorf("%s: decrypted %q", algorithm, got)
		}
	case types.KeyUsageTypeSignVerify:
		u.verify(algorithm, message, u.operate("Sign", algorithm, "Text for Sign", message)[0])
	case types.KeyUsageTypeGenerateVerifyMac:
		mac := u.operate("GenerateMac", algorithm, "Text for GenerateMac", message)[0]
		if _, err := u.kms.VerifyMac(u.Context(), &kms.VerifyMacInput{KeyId: u.key.KeyId, Message: []byte(message),
			MacAlgorithm: types.MacAlgorithmSpec(algorithm), Mac: octets(u.T, mac)}); err != nil {
			u.Error(err)
		}
	case types.KeyUsageTypeKeyAgreement:
		u.agree()
	default:
		made := u.operate("Encapsulate", algorithm, "", "")
		if got := u.operate("Decapsulate", algorithm, "SharedSecretCiphertextBlob in base64", made[1])[0]; got != made[0] {
			u.Errorf("%s: decapsulated %s, not %s", algorithm, got, made[0])
		}
	}
}

// operate carries out an operation in its box, and returns the results.
func (u use) operate(name, algorithm, label, input string) []string {
	u.Helper()
	if label != "" {
		u.fill(label, input)
	}
	if choice := "Algorithm of " + name; eval[bool](u.page, `Boolean(`+control(choice)+`)`) {
		u.fill(choice, algorithm)
	}
	results := `[...(` + find + `)("button", ` + quote(name) + `)[0].form.querySelectorAll("pre")].map((e) => e.innerText)`
	before := eval[[]string](u.page, results)
	u.press(name)
	u.until("that "+name+" has another result", `((r) => r.length > 0 && r.join() !== `+quote(strings.Join(before, ","))+`)(`+results+`)`)
	return eval[[]string](u.page, results)
}

func (u use) verify(algorithm, message, signature string) {
	u.Helper()
	in := &kms.VerifyInput{KeyId: u.key.KeyId, Message: []byte(message), Signature: octets(u.T, signature),
		SigningAlgorithm: types.SigningAlgorithmSpec(algorithm)}
	if algorithm == "ED25519_PH_SHA_512" {
		sum := sha512.Sum512([]byte(message))
		in.Message, in.MessageType = sum[:], types.MessageTypeDigest
	}
	if _, err := u.kms.Verify(u.Context(), in); err != nil {
		u.Errorf("%s: %v", algorithm, err)
	}
}

// agree compares the shared secret of the page with that of the other side, for its public key in PEM and in base64.
func (u use) agree() {
	u.Helper()
	out, err := u.kms.GetPublicKey(u.Context(), &kms.GetPublicKeyInput{KeyId: u.key.KeyId})
	if err != nil {
		u.Fatal(err)
	}
	parsed, err := x509.ParsePKIXPublicKey(out.PublicKey)
	if err != nil {
		u.Fatal(err)
	}
	public, err := parsed.(*ecdsa.PublicKey).ECDH()
	if err != nil {
		u.Fatal(err)
	}
	for _, inPEM := range []bool{true, false} {
		private, der := newPeer(u.T, public.Curve())
		text := base64.StdEncoding.EncodeToString(der)
		if inPEM {
			text = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		}
		got := u.operate("DeriveSharedSecret", "ECDH", "PublicKey in base64", text)[0]
		if want, err := private.ECDH(public); err != nil || !bytes.Equal(octets(u.T, got), want) {
			u.Errorf("the page has the secret %s, and the other side %x: %v", got, want, err)
		}
	}
}

// newPeer returns a private key, and its public key in DER.
func newPeer(t *testing.T, curve ecdh.Curve) (*ecdh.PrivateKey, []byte) {
	t.Helper()
	private, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(private.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	return private, der
}

// runLines runs the lines for Python.
func (u use) runLines() {
	u.Helper()
	if !whole {
		return
	}
	dir := u.TempDir()
	if strings.HasPrefix(string(u.key.KeySpec), "ECC_NIST_P") {
		curve := map[string]ecdh.Curve{"256": ecdh.P256(), "384": ecdh.P384(), "521": ecdh.P521()}[string(u.key.KeySpec)[10:]]
		_, der := newPeer(u.T, curve)
		if err := os.WriteFile(filepath.Join(dir, "peer.der"), der, 0o600); err != nil {
			u.Fatal(err)
		}
	}
	text := eval[string](u.page, `[...document.querySelectorAll("h3")].find((h) => h.innerText === "Python").nextElementSibling.querySelector("pre").innerText`)
	python := exec.CommandContext(u.Context(), cmp.Or(os.Getenv("KEYHOLD_PYTHON"), "python3"), "-c", text+"\nprint(len(result))")
	python.Dir = dir
	python.Env = append(os.Environ(), "AWS_ENDPOINT_URL_KMS="+u.endpoint, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	if out, err := python.CombinedOutput(); err != nil {
		u.Errorf("%s for %s:\n%s\n%v: run make deps, and set KEYHOLD_PYTHON as the Makefile does\n%s", u.key.KeySpec, u.key.KeyUsage, text, err, out)
	}
}

func octets(t *testing.T, text string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
