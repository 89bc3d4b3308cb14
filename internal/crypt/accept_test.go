package crypt

import (
	"bytes"
	"errors"
	"os/exec"
	"testing"
)

// importedSpecs are the specs that support import.
var importedSpecs = []string{"SYMMETRIC_DEFAULT", "HMAC_224", "HMAC_256", "HMAC_384", "HMAC_512",
	"RSA_2048", "RSA_3072", "RSA_4096", "ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1"}

func openssl(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(input), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s", args, err, &stderr)
	}
	return out
}

func isBad(err error) bool {
	_, bad := errors.AsType[*BadMaterial](err)
	return bad
}

// Generated material is accepted unchanged, and only for its own spec. Plain bytes are accepted for every spec
// with this length.
func TestAcceptGenerated(t *testing.T) {
	for _, spec := range importedSpecs {
		generated, err := Generate(spec)
		if err != nil {
			t.Fatal(err)
		}
		for _, as := range importedSpecs {
			kept, err := Accept(as, generated)
			if spec[:3] == "RSA" && as == spec && err == nil {
				generated = bytes.Clone(kept) // with the larger prime first
			}
			least, most, areBytes := bytesOf(as)
			_, _, wereBytes := bytesOf(spec)
			same := as == spec || areBytes && wereBytes && least <= len(generated) && len(generated) <= most
			if same && (err != nil || !bytes.Equal(kept, generated)) || !same && !isBad(err) {
				t.Errorf("%s as %s: %d bytes, %v", spec, as, len(kept), err)
			}
			if same && &kept[0] == &generated[0] {
				t.Errorf("%s: the result is not a copy", spec)
			}
		}
	}
}

// Accepted material can be opened.
func TestAcceptedOpens(t *testing.T) {
	for spec, args := range map[string][]string{
		"RSA_2048":        {"RSA", "-pkeyopt", "rsa_keygen_bits:2048"},
		"ECC_NIST_P384":   {"EC", "-pkeyopt", "ec_paramgen_curve:P-384"},
		"ECC_SECG_P256K1": {"EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"},
	} {
		der := openssl(t, openssl(t, nil, append([]string{"genpkey", "-algorithm"}, args...)...), "pkcs8", "-topk8", "-nocrypt", "-outform", "DER")
		kept, err := Accept(spec, der)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := Open(spec, kept)
		if err != nil {
			t.Fatal(err)
		}
		if public := openssl(t, der, "pkey", "-inform", "DER", "-pubout", "-outform", "DER"); !bytes.Equal(opened.(Pair).PublicKey(), public) {
			t.Errorf("%s: another key opens", spec)
		}
	}
}

func TestAcceptSizes(t *testing.T) {
	for spec, sizes := range map[string][2]int{
		"SYMMETRIC_DEFAULT": {32, 32}, "HMAC_224": {28, 128}, "HMAC_256": {32, 128}, "HMAC_384": {48, 128}, "HMAC_512": {64, 128},
	} {
		for n := range 200 {
			kept, err := Accept(spec, countingBytes(n))
			if taken := sizes[0] <= n && n <= sizes[1]; taken && (err != nil || !bytes.Equal(kept, countingBytes(n))) || !taken && !isBad(err) {
				t.Fatalf("%s of %d bytes: %x, %v", spec, n, kept, err)
			}
			if _, openErr := Open(spec, countingBytes(n)); (openErr == nil) != (err == nil) {
				t.Fatalf("%s of %d bytes: accepted with %v, opened with %v", spec, n, err, openErr)
			}
		}
	}
	for _, spec := range []string{"", "SM2", "RSA_1024", "ECC_NIST_EDWARDS25519", "ML_DSA_44", "ML_KEM_512"} {
		if _, err := Accept(spec, countingBytes(32)); err == nil || isBad(err) {
			t.Errorf("%s: %v", spec, err)
		}
	}
}
