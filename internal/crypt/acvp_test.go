package crypt

import (
	"bytes"
	"compress/gzip"
	"crypto/sha3"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/mldsa"
)

// An acvpTest combines a prompt and its expected result, whose members differ, from the samples of NIST's
// validation program (ACVP).
type acvpTest struct {
	ID                                           int `json:"tcId"`
	Seed, PK, Message, Signature, D, Z, EK, M, C hexBytes
	K                                            hexBytes
	TestPassed                                   bool
}

type acvpGroup struct {
	ParameterSet, Function string
	PK                     hexBytes
	Tests                  []acvpTest
}

// The ACVP samples in the module of circl. Samples of decapsulation and signature generation whose private keys
// are not seeds are skipped, because the material of a key is its seed.
func TestACVP(t *testing.T) {
	ran, left := 0, 0
	for _, c := range []struct {
		samples string
		passes  func(acvpGroup, acvpTest) bool
	}{
		{"kem/mlkem/testdata/ML-KEM-keyGen-FIPS203", passesMLKEMKeygen},
		{"kem/mlkem/testdata/ML-KEM-encapDecap-FIPS203", passesEncapsulation},
		{"sign/mldsa/testdata/ML-DSA-keyGen-FIPS204", passesMLDSAKeygen},
		{"sign/mldsa/testdata/ML-DSA-sigVer-FIPS204", passesMLDSAVerify},
	} {
		for _, g := range acvpSamples(t, c.samples) {
			if g.Function == "decapsulation" {
				left += len(g.Tests)
				continue
			}
			for _, test := range g.Tests {
				if ran++; !c.passes(g, test) {
					t.Errorf("%s %d (%s) fails", c.samples, test.ID, g.ParameterSet)
				}
			}
		}
	}
	t.Attr("ran", fmt.Sprintf("%d samples of ACVP for ML-KEM and ML-DSA", ran))
	t.Attr("left-out", fmt.Sprintf("%d samples: of decapsulation, whose private keys are not seeds", left))
}

// acvpSamples combines prompts and results.
func acvpSamples(t *testing.T, folder string) []acvpGroup {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/cloudflare/circl").Output()
	if err != nil {
		t.Fatal("go list: ", err)
	}
	var all struct{ TestGroups []acvpGroup }
	for _, name := range []string{"prompt.json.gz", "expectedResults.json.gz"} {
		f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), folder, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		text, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.NewDecoder(text).Decode(&all); err != nil { // decodes into the existing elements
			t.Fatal(folder, name, err)
		}
	}
	return all.TestGroups
}

func specOfSet(parameterSet string) string { return strings.ReplaceAll(parameterSet, "-", "_") }

func passesMLKEMKeygen(g acvpGroup, test acvpTest) bool {
	l, ok := latticeOf(specOfSet(g.ParameterSet))
	pair, err := l.expand(append(test.D, test.Z...))
	return ok && err == nil && bytes.Equal(pair.public(), test.EK)
}

func passesEncapsulation(g acvpGroup, test acvpTest) bool {
	secret, ciphertext, err := encapsulateWith(specOfSet(g.ParameterSet), test.EK, test.M)
	return err == nil && bytes.Equal(secret, test.K) && bytes.Equal(ciphertext, test.C)
}

func passesMLDSAKeygen(g acvpGroup, test acvpTest) bool {
	parameters, ok := mldsaParameters(specOfSet(g.ParameterSet))
	private, err := mldsa.NewPrivateKey(parameters, test.Seed)
	return ok && err == nil && bytes.Equal(private.PublicKey().Bytes(), test.PK)
}

// passesMLDSAVerify verifies by μ, because these messages stand for M′ (FIPS 204, algorithm 8).
func passesMLDSAVerify(g acvpGroup, test acvpTest) bool {
	parameters, _ := mldsaParameters(specOfSet(g.ParameterSet))
	public, err := mldsa.NewPublicKey(parameters, g.PK)
	if err != nil {
		return false
	}
	mu := sha3.SumSHAKE256(append(sha3.SumSHAKE256(g.PK, 64), test.Message...), 64)
	return test.TestPassed == (verifyMLDSA(public, mu, true, test.Signature) == nil)
}
