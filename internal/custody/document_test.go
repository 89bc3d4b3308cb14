package custody

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// Each custody in an example of docs/custody.md can be given as it is printed there.
func TestExamplesOfTheDocument(t *testing.T) {
	page, err := os.ReadFile("../../docs/custody.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, m := range regexp.MustCompile("--custody[ \\\\\n]+(?:'([^']+)'|\"([^\"]+)\"|([a-z-]+:[^\\s`'\"]+))").FindAllStringSubmatch(string(page), -1) {
		text := strings.ReplaceAll(m[1]+m[2]+m[3], "$MODULE", "/usr/lib/softhsm/libsofthsm2.so")
		spec, err := Parse(text)
		switch spec.Kind {
		case "awskms":
			_, err = parseAWSKMS(spec.Argument)
		case "pkcs11":
			_, err = parsePKCS11(spec.Argument)
		case "tpm":
			_, _, err = parseTPM(spec.Argument)
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		seen[spec.Kind] = true
	}
	for _, k := range kinds() {
		if !seen[k.name] {
			t.Errorf("the document has no example of %s", k.name)
		}
	}
}
