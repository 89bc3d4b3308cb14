package check

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// verify is the command of docs/packages.md that verifies a release.
const verify = `ssh-keygen -Y verify -f allowed_signers -I releases@keyhold -n keyhold-release \
    -s SHA256SUMS.sig < SHA256SUMS && sha256sum --check --ignore-missing SHA256SUMS`

// The command of the page accepts a release, and refuses other packages, other sums and other signers.
func TestSignature(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(repository, "docs/packages.md"))
	if err != nil || !strings.Contains(strings.ReplaceAll(string(page), "\n    ", "\n"), verify) {
		t.Errorf("docs/packages.md does not have the command: %v", err)
	}
	for _, test := range []struct {
		name   string
		damage string // a script that runs after the signature
		good   bool
	}{
		{"a release", "true", true},
		{"another package", "echo x >> keyhold.deb", false},
		{"other sums", "echo x >> keyhold.deb; sha256sum keyhold.deb > SHA256SUMS", false},
		{"another signer", "rm SHA256SUMS.sig; ssh-keygen -q -t ed25519 -N '' -f other; " +
			"ssh-keygen -q -Y sign -f other -n keyhold-release SHA256SUMS", false},
		{"a signature for another purpose", "rm SHA256SUMS.sig; ssh-keygen -q -Y sign -f key -n file SHA256SUMS", false},
		{"no signature", "rm SHA256SUMS.sig", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			folder := t.TempDir()
			run(t, "bash", "-ec", `cd "$1"; echo package > keyhold.deb; sha256sum keyhold.deb > SHA256SUMS
				ssh-keygen -q -t ed25519 -N '' -C '' -f key
				echo "releases@keyhold $(cat key.pub)" > allowed_signers
				ssh-keygen -q -Y sign -f key -n keyhold-release SHA256SUMS
				`+test.damage, "bash", folder)
			if out, err := try(t, "bash", "-c", `cd "$1"; `+verify, "bash", folder); (err == nil) != test.good {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// The SBOM names the libraries in the program.
func TestSBOM(t *testing.T) {
	text, err := os.ReadFile(artefact(t, "keyhold-*.cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BomFormat  string
		Components []struct{ Name, Version, Purl string }
	}
	if err := json.Unmarshal(text, &bom); err != nil || bom.BomFormat != "CycloneDX" {
		t.Fatal(bom.BomFormat, err)
	}
	found := map[string]bool{}
	for _, c := range bom.Components {
		found[c.Name] = c.Version != "" && strings.HasPrefix(c.Purl, "pkg:golang/")
	}
	for _, name := range []string{"go.etcd.io/bbolt", "github.com/valyala/fasthttp", "std"} {
		if !found[name] {
			t.Errorf("the SBOM does not name %s", name)
		}
	}
}
