package privatekey

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/listtest"
)

// outcome returns what SpecOf and Parse make of a private key.
func outcome(der []byte) string {
	spec, err := SpecOf(der)
	if err != nil {
		return "no spec: " + err.Error()
	}
	k, err := Parse(spec, der)
	if err != nil {
		return spec + ": " + err.Error()
	}
	private, public := sha256.Sum256(k.PKCS8), sha256.Sum256(k.PublicKey)
	return fmt.Sprintf("%s %x %x", spec, private[:4], public[:4])
}

// detail is what the list of outcomes omits, but not its digest: digests and object identifiers.
var detail = regexp.MustCompile(` [0-9a-f]{8} [0-9a-f]{8}$| \d+(\.\d+)+`)

// Each private key is damaged at each place, and SpecOf and Parse answer as testdata/damaged.txt lists. Run the
// test with KEYHOLD_GOLDEN=1 to write the list again after a deliberate change.
func TestKeysDamagedAnywhere(t *testing.T) {
	var list strings.Builder
	for _, name := range []string{"ec-P-256", "ec-P-384", "ec-P-521", "ec-secp256k1", "rsa-2048"} {
		der, err := os.ReadFile("testdata/" + name + ".der")
		if err != nil {
			t.Fatal(err)
		}
		every := 1
		if strings.HasPrefix(name, "rsa") {
			every = 7 // an RSA key takes longer to check
		}
		counts, order := map[string]int{}, sha256.New()
		for at := 0; at < len(der); at += every {
			for _, damaged := range damages(der, at) {
				o := outcome(damaged)
				fmt.Fprintln(order, o)
				counts[detail.ReplaceAllString(o, "")]++
			}
		}
		fmt.Fprintf(&list, "## %s: %s; damaged %.8x\n", name, outcome(der), order.Sum(nil))
		for _, o := range slices.Sorted(maps.Keys(counts)) {
			fmt.Fprintf(&list, "%4d %s\n", counts[o], o)
		}
	}
	listtest.Compare(t, "testdata/damaged.txt", list.String())
}

// damages returns what can happen to a key at a position.
func damages(der []byte, at int) (all [][]byte) {
	for _, bit := range []byte{1, 2, 0x20, 0x80} {
		flipped := bytes.Clone(der)
		flipped[at] ^= bit
		all = append(all, flipped)
	}
	longer := slices.Insert(bytes.Clone(der), at, 0)
	return append(all, longer, slices.Delete(bytes.Clone(der), at, at+1), bytes.Clone(der[:at]))
}
