package browser

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// plain are the members of answers that keep their values: names of the API, which the pages compare, identifiers, and
// binary values.
const plain = `KeyState KeySpec KeyUsage Origin KeyId Arn KeyArn PrimaryKey NextMarker KeyMaterialState ImportState
	EncryptionAlgorithms PublicKey ImportToken Line VerifierKey State Kind`

// Every text of every answer of the server becomes hostile. The pages show it as text.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	p := newPage(t, startDev(t, "--data", manyKeys(t, 3)))
	p.open("/create")
	p.call("KeyholdAdmin.PutUser", `{Name: "u", AccessKeys: 1}`)
	p.call("TagResource", `{KeyId: "00000000-0000-4000-8000-000000000000", Tags: [{TagKey: "a", TagValue: "b"}]}`)
	p.call("CreateAlias", `{AliasName: "alias/a", TargetKeyId: "00000000-0000-4000-8000-000000000000"}`)
	p.signIn()
	p.see("Create the key")
	shown := 0
	for _, refused := range []bool{false, true} {
		p.poison(refused)
		for address := range strings.Lines(strings.TrimSpace(addresses)) {
			p.visit(strings.ReplaceAll(strings.TrimSpace(address), "KEY", "00000000-0000-4000-8000-000000000000"))
			settled(p)
			if strings.Contains(p.text(), `onerror="window.executed=1"`) {
				shown++
			}
		}
	}
	if t.Logf("%d pages showed hostile text", shown); shown < 25 {
		t.Errorf("only %d pages showed hostile text", shown)
	}
}

// poison adds hostile text to all texts in the answers of the server, or makes it refuse all requests with such text.
func (p *page) poison(refused bool) {
	p.Helper()
	p.genuine()
	kept := quote(plain)
	eval[bool](p, `window.fetch = ((kept, refused) => async (url, init) => {
		const answer = await window.genuine(url, init);
		if (!init?.headers?.["x-amz-target"]) return answer;
		const poisoned = (name, value) => {
			if (kept.has(name)) return value;
			if (Array.isArray(value)) return value.map((v) => poisoned("", v));
			if (typeof value === "string") return value + `+quote(hostile)+`;
			if (value === null || typeof value !== "object") return value;
			return Object.fromEntries(Object.entries(value).map(([n, v]) => [n, poisoned(n, v)]));
		};
		const headers = {"x-amzn-requestid": "id<img>"};
		if (refused) {
			const text = `+quote(hostile)+`;
			return Response.json({__type: text, message: text}, {status: 400, headers: {"x-amzn-requestid": text}});
		}
		return Response.json(poisoned("", await answer.json()), {status: answer.status, headers});
	})(new Set(`+kept+`.split(/\s+/)), `+map[bool]string{true: "true", false: "false"}[refused]+`), true`)
}

// The status shows the names in the certificate of the server, which its authority chose, as text.
func TestHostileCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate, private := hostileCertificate(t, dir)
	init := exec.CommandContext(t.Context(), program, "init", "--data", "data", "--account", "000000000000")
	init.Dir = dir
	made, err := init.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, made)
	}
	keys := regexp.MustCompile(`AWS_ACCESS_KEY_ID=(\S+)\n.*AWS_SECRET_ACCESS_KEY=(\S+)`).FindSubmatch(made)
	if keys == nil {
		t.Fatalf("%s", made)
	}
	s := start(t, "serve", "--data", filepath.Join(dir, "data"), "--addr", "127.0.0.1:0", "--console",
		"--tls-cert", certificate, "--tls-key", private)
	p := newPage(t, s.Endpoint)
	p.open("/status")
	p.signInAs(string(keys[1]), string(keys[2]))
	p.see("Certificate was signed by")
	p.see(`\<script\>window.executed=2\</script\>`) // with the escapes of a distinguished name (RFC 2253)
	p.see(`<img/src=x/onerror=window.executed=8>`)
	settled(p)
}

// hostileCertificate writes a certificate whose names are hostile, and its private key.
func hostileCertificate(t *testing.T, dir string) (certificate, private string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: hostile, Organization: []string{hostile}},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost", "<img/src=x/onerror=window.executed=8>"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	certificate, private = filepath.Join(dir, "certificate.pem"), filepath.Join(dir, "private.pem")
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, private: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, private
}
