package crypt

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"testing"

	"github.com/c2sp/wycheproof"
)

// hexBytes are hexadecimal digits in JSON.
type hexBytes []byte

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.AppendDecode(nil, text)
	return err
}

type oaepVectors struct {
	TestGroups []oaepGroup
}

type oaepGroup struct {
	KeySize    int
	SHA        string
	MGFSHA     string
	PrivateKey struct{ Prime1, Prime2, PublicExponent hexBytes }
	Tests      []struct {
		ID             int `json:"tcId"`
		Comment        string
		Msg, CT, Label hexBytes
		Result         string
	}
}

// served returns the algorithm and spec of a group, or "" if the group is not supported: OAEP with the same
// hash, SHA-1 or SHA-256, for label and MGF1, and two primes.
func (g oaepGroup) served(file string) (algorithm, spec string) {
	if threePrimes, _ := path.Match("rsa_three_primes_*", file); threePrimes || g.SHA != g.MGFSHA {
		return "", ""
	}
	return map[string]string{"SHA-1": "RSAES_OAEP_SHA_1", "SHA-256": "RSAES_OAEP_SHA_256"}[g.SHA],
		map[int]string{2048: "RSA_2048", 3072: "RSA_3072", 4096: "RSA_4096"}[g.KeySize]
}

// Wycheproof's OAEP vectors. Vectors with a label are valid there and rejected here, because the API has no
// labels.
func TestWycheproofOAEP(t *testing.T) {
	files, err := fs.Glob(wycheproof.TestVectors, "rsa*oaep*_test.json")
	if err != nil {
		t.Fatal(err)
	}
	ran, total := map[string]int{}, 0
	for _, file := range files {
		text, err := fs.ReadFile(wycheproof.TestVectors, file)
		if err != nil {
			t.Fatal(err)
		}
		var v oaepVectors
		if err := json.Unmarshal(text, &v); err != nil {
			t.Fatal(file, err)
		}
		for _, g := range v.TestGroups {
			algorithm, spec := g.served(file)
			if algorithm == "" || spec == "" {
				continue
			}
			n := runOAEPGroup(t, file, g, algorithm, spec)
			ran[algorithm+" "+spec] += n
			total += n
		}
	}
	// For SHA-1 and the two larger keys, there are only the few valid vectors in "misc".
	for what, least := range map[string]int{
		"RSAES_OAEP_SHA_1 RSA_2048": 39, "RSAES_OAEP_SHA_1 RSA_3072": 3, "RSAES_OAEP_SHA_1 RSA_4096": 3,
		"RSAES_OAEP_SHA_256 RSA_2048": 40, "RSAES_OAEP_SHA_256 RSA_3072": 40, "RSAES_OAEP_SHA_256 RSA_4096": 40,
	} {
		if ran[what] < least {
			t.Errorf("only %d vectors of %s ran", ran[what], what)
		}
	}
	t.Attr("ran", fmt.Sprintf("%d vectors of Wycheproof for RSAES-OAEP, in the unwrapping of imports", total))
}

// runOAEPGroup returns the number of vectors.
func runOAEPGroup(t *testing.T, file string, g oaepGroup, algorithm, spec string) int {
	if !bytes.Equal(g.PrivateKey.PublicExponent, []byte{1, 0, 1}) {
		t.Fatalf("%s: a public exponent that no pair here has", file)
	}
	w, err := RestoreWrappingKey(spec, g.PrivateKey.Prime1, g.PrivateKey.Prime2)
	if err != nil {
		t.Fatal(file, err)
	}
	for _, test := range g.Tests {
		got, err := w.Unwrap(algorithm, test.CT)
		opened := err == nil && bytes.Equal(got, test.Msg)
		if !opened && err != ErrUnwrap || opened != (test.Result == "valid" && len(test.Label) == 0) {
			t.Errorf("%s %d (%s, %s): %x, %v", file, test.ID, test.Comment, test.Result, got, err)
		}
	}
	return len(g.Tests)
}
