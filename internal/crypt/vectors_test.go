package crypt

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/c2sp/wycheproof"
)

// vectorFiles determines the use of each Wycheproof file about a supported family: the first matching pattern
// gives the runner or, after "-", the reason for skipping the file.
const vectorFiles = `
rsa_oaep_*                       oaep
rsa_three_primes_*               -  keys of three primes are no RSA keys of the API
rsa_pkcs1_1024_*                 -  no key spec of the API
rsa_pkcs1_1536_*                 -  no key spec of the API
rsa_signature_8192_*             -  no key spec of the API
rsa_pkcs1_*_sig_gen_test.json    pkcs1-sign
rsa_pkcs1_*                      -  RSAES-PKCS1-v1_5 is no encryption algorithm of the API
rsa_signature_*                  pkcs1-verify
rsa_pss_*_params_test.json       -  the same signatures as without "params", under public keys of id-RSASSA-PSS, which no key here has
rsa_pss_*                        pss-verify
ecdsa_*_p1363_test.json          -  the same signatures in the form of IEEE P1363; those of the API are DER
ecdsa_secp*_shake*               -  the API has no such hash
ecdsa_secp*_sha3_*               -  the API has no such hash
ecdsa_secp256r1_sha256_*         ecdsa-verify
ecdsa_secp384r1_sha384_*         ecdsa-verify
ecdsa_secp521r1_sha512_*         ecdsa-verify
ecdsa_secp256k1_sha256_bitcoin*  -  the same signatures, where the higher s is refused; the API takes both
ecdsa_secp256k1_sha256_*         ecdsa-verify
ecdsa_secp???r1_*                -  the API has one hash for each curve
ecdsa_secp256k1_*                -  the API has one hash for each curve
ecdsa_*                          -  no curve of the API
ed25519_*                        eddsa-verify
ecdh_secp256k1_*                 -  the API has no key agreement on this curve
ecdh_*_webcrypto_test.json       -  the same agreements, with keys as JWK
ecdh_secp256r1_*                 ecdh
ecdh_secp384r1_*                 ecdh
ecdh_secp521r1_*                 ecdh
ecdh_*                           -  no curve of the API
hmac_sha224_*                    hmac
hmac_sha256_*                    hmac
hmac_sha384_*                    hmac
hmac_sha512_test.json            hmac
hmac_*                           -  the API has no such hash
mldsa_*_sign_seed_test.json      mldsa-sign
mldsa_*_sign_noseed_test.json    -  the material of a key is its seed
mldsa_*_verify_test.json         mldsa-verify
mlkem_*_semi_expanded_*          -  the material of a key is its seed
mlkem_*_keygen_seed_test.json    mlkem-keygen
mlkem_*_encaps_test.json         mlkem-encaps
mlkem_*                          mlkem
`

// judged determines the expected result of vectors that Wycheproof calls acceptable, by runner and flag, with
// the reason.
const judged = `
pkcs1-verify  MissingNull     never   RFC 8017, appendix A.2.4: NULL is there
pkcs1-sign    SmallPublicKey  always  material that opens signs; what is imported is looked at before
ecdh          CompressedPoint always  RFC 5480, section 2.2: a point may be compressed
ecdh          *               never   RFC 5480, section 2.1.1: a curve is named
`

// A vector has the members that all Wycheproof test vectors have.
type vector struct {
	ID      int `json:"tcId"`
	Comment string
	Flags   []string
	Result  string
}

// A vectorRun compares the vectors of a file with the results.
type vectorRun struct {
	*testing.T
	runner, file string
	ran          int
	left         map[string]int // skipped vectors by reason
}

// runners run the text of a file.
var runners = map[string]func(*vectorRun, []byte){
	"oaep":         runOAEP,
	"pkcs1-sign":   runPKCS1Sign,
	"pkcs1-verify": runRSAVerify,
	"pss-verify":   runRSAVerify,
	"ecdsa-verify": runECDSA,
	"eddsa-verify": runEdDSA,
	"ecdh":         runECDH,
	"hmac":         runHMAC,
	"mldsa-sign":   runMLDSASign,
	"mldsa-verify": runMLDSAVerify,
	"mlkem":        runMLKEM,
	"mlkem-keygen": runMLKEMKeygen,
	"mlkem-encaps": runMLKEMEncaps,
}

// TestVectors runs every file that the table lists, and requires a reason for every skipped file.
func TestVectors(t *testing.T) {
	files, err := fs.Glob(wycheproof.TestVectors, "*_test.json")
	if err != nil {
		t.Fatal(err)
	}
	ran, left := map[string]int{}, map[string]int{}
	for _, file := range files {
		runner, reason := fileRule(file)
		switch runner {
		case "": // of an unsupported family
			continue
		case "-":
			left[reason] += countVectors(t, file)
			continue
		}
		t.Run(strings.TrimSuffix(file, "_test.json"), func(t *testing.T) {
			r := &vectorRun{T: t, runner: runner, file: file, left: left}
			runners[runner](r, readVectors(t, file))
			ran[runner] += r.ran
		})
	}
	total := 0
	for runner := range runners {
		if total += ran[runner]; ran[runner] < 30 {
			t.Errorf("only %d vectors of %s ran", ran[runner], runner)
		}
	}
	t.Attr("ran", fmt.Sprintf("%d vectors of Wycheproof", total))
	for _, reason := range slices.Sorted(maps.Keys(left)) {
		t.Attr("left-out", fmt.Sprintf("%5d vectors: %s", left[reason], reason))
	}
}

func readVectors(t *testing.T, file string) []byte {
	text, err := fs.ReadFile(wycheproof.TestVectors, file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func countVectors(t *testing.T, file string) int {
	var all struct{ NumberOfTests int }
	if err := json.Unmarshal(readVectors(t, file), &all); err != nil {
		t.Fatal(file, err)
	}
	return all.NumberOfTests
}

// fileRule returns the rule for a file, or nothing if the file is about an unsupported family.
func fileRule(file string) (runner, reason string) {
	for line := range strings.Lines(strings.TrimSpace(vectorFiles)) {
		f := strings.Fields(line)
		if fits, _ := path.Match(f[0], file); fits {
			return f[1], strings.Join(f[2:], " ")
		}
	}
	return "", ""
}

// Every rule of the two tables applies to something.
func TestVectorTables(t *testing.T) {
	files, _ := fs.Glob(wycheproof.TestVectors, "*_test.json")
	for line := range strings.Lines(strings.TrimSpace(vectorFiles)) {
		f := strings.Fields(line)
		if (f[1] == "-") != (len(f) > 2) || f[1] != "-" && runners[f[1]] == nil {
			t.Errorf("%s: a runner or a reason", line)
		}
		if !slices.ContainsFunc(files, func(file string) bool { fits, _ := path.Match(f[0], file); return fits }) {
			t.Errorf("%s: no such file", f[0])
		}
	}
}

// holds compares the result of a vector with the published one.
func (r *vectorRun) holds(v vector, accepted bool) {
	r.ran++
	want := map[string]string{"valid": "always", "invalid": "never"}[v.Result]
	if v.Result == "acceptable" {
		want = r.judge(v)
	}
	if want == "" || accepted != (want == "always") {
		r.Errorf("%s %d (%s, %v, %s): accepted is %v", r.file, v.ID, v.Comment, v.Flags, v.Result, accepted)
	}
}

// judge returns the expected result of an acceptable vector.
func (r *vectorRun) judge(v vector) string {
	for line := range strings.Lines(strings.TrimSpace(judged)) {
		f := strings.Fields(line)
		if f[0] == r.runner && (f[1] == "*" || slices.Contains(v.Flags, f[1])) {
			return f[2]
		}
	}
	return ""
}

// leave counts skipped vectors.
func (r *vectorRun) leave(n int, reason string) { r.left[reason] += n }

// groups decodes the groups of a file.
func groups[G any](r *vectorRun, text []byte) []G {
	var file struct{ TestGroups []G }
	if err := json.Unmarshal(text, &file); err != nil {
		r.Fatal(r.file, err)
	}
	return file.TestGroups
}
