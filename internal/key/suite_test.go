package key

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// allSpecs, allUsages and allOrigins are the API's values.
var (
	allSpecs = strings.Fields(`SYMMETRIC_DEFAULT RSA_2048 RSA_3072 RSA_4096 ECC_NIST_P256 ECC_NIST_P384 ECC_NIST_P521 ECC_SECG_P256K1
		ECC_NIST_EDWARDS25519 HMAC_224 HMAC_256 HMAC_384 HMAC_512 SM2 ML_DSA_44 ML_DSA_65 ML_DSA_87 ML_KEM_512 ML_KEM_768 ML_KEM_1024`)
	allUsages  = []Usage{EncryptDecrypt, SignVerify, GenerateVerifyMAC, KeyAgreement, EncapsulateDecapsulate}
	allOrigins = []Origin{OriginAWSKMS, OriginExternal}
)

// wantSuite expresses the documentation independently of suiteTable: the algorithms of a spec and usage, nil if
// the spec does not have the usage, and whether the material can be imported.
func wantSuite(spec string, usage Usage) (algorithms []string, importable, public bool) {
	family, size, _ := cutLast(spec)
	switch {
	case spec == "SYMMETRIC_DEFAULT" && usage == EncryptDecrypt:
		return []string{"SYMMETRIC_DEFAULT"}, true, false
	case family == "RSA" && usage == EncryptDecrypt:
		return []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"}, true, true
	case family == "RSA" && usage == SignVerify:
		for _, scheme := range []string{"PKCS1_V1_5", "PSS"} {
			for _, bits := range []int{256, 384, 512} {
				algorithms = append(algorithms, fmt.Sprintf("RSASSA_%s_SHA_%d", scheme, bits))
			}
		}
		return algorithms, true, true
	case family == "ECC_NIST" && strings.HasPrefix(size, "P") && usage == SignVerify:
		return []string{"ECDSA_SHA_" + map[string]string{"P256": "256", "P384": "384", "P521": "512"}[size]}, true, true
	case family == "ECC_NIST" && strings.HasPrefix(size, "P") && usage == KeyAgreement:
		return []string{"ECDH"}, true, true
	case spec == "ECC_SECG_P256K1" && usage == SignVerify:
		return []string{"ECDSA_SHA_256"}, true, true
	case size == "EDWARDS25519" && usage == SignVerify:
		return []string{"ED25519_PH_SHA_512", "ED25519_SHA_512"}, false, true
	case family == "HMAC" && usage == GenerateVerifyMAC:
		return []string{"HMAC_SHA_" + size}, true, false
	case family == "ML_DSA" && usage == SignVerify:
		return []string{"ML_DSA_SHAKE_256"}, false, true
	case family == "ML_KEM" && usage == EncapsulateDecapsulate:
		return []string{"ML_KEM"}, false, true
	}
	return nil, false, false
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndex(s, "_")
	return s[:max(i, 0)], s[i+1:], i >= 0
}

// TestSuites tries every combination of spec, usage, origin and algorithm, also with one of them missing.
func TestSuites(t *testing.T) {
	algorithms := map[string]bool{}
	for _, s := range suites {
		for _, a := range s.Algorithms {
			algorithms[a] = true
		}
		if !slices.IsSorted(s.Algorithms) {
			t.Errorf("%s %s: the algorithms are not sorted", s.Spec, s.Usage)
		}
	}
	cells := 0
	for _, spec := range allSpecs {
		for _, usage := range allUsages {
			want, importable, public := wantSuite(spec, usage)
			for _, origin := range allOrigins {
				cells++
				s, err := ChooseSuite(Spec(spec), usage, origin)
				kind := suiteRefusal(spec, want, importable, origin)
				if got := kindOf(err); got != kind {
					t.Errorf("%s %s %s: %v, want %q", spec, usage, origin, err, kind)
				}
				if err == nil && (s.Public != public || s.Importable() != importable || !slices.Equal(s.Algorithms, want)) {
					t.Errorf("%s %s %s: %+v", spec, usage, origin, s)
				}
			}
			for algorithm := range algorithms {
				cells++
				k := Key{Spec: Spec(spec), Usage: usage}
				if got := k.Use("Sign", usage, algorithm) == nil; got != slices.Contains(want, algorithm) {
					t.Errorf("%s %s with %s: %v", spec, usage, algorithm, got)
				}
			}
		}
	}
	t.Attr("ran", fmt.Sprintf("%d cells of key specs, usages, origins and algorithms", cells))
}

// suiteRefusal returns the kind of error expected for a new key.
func suiteRefusal(spec string, algorithms []string, importable bool, origin Origin) Kind {
	switch {
	case spec == "SM2":
		return KindUnsupportedOperation
	case algorithms == nil:
		return KindValidation
	case origin == OriginExternal && !importable:
		return KindUnsupportedOperation
	}
	return ""
}

func kindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

func TestUsageThatIsNotGiven(t *testing.T) {
	for _, spec := range allSpecs {
		s, err := ChooseSuite(Spec(spec), "", OriginAWSKMS)
		if spec == "SYMMETRIC_DEFAULT" {
			if err != nil || s.Usage != EncryptDecrypt {
				t.Errorf("%s: %+v, %v", spec, s, err)
			}
		} else if kindOf(err) != KindValidation {
			t.Errorf("%s: %v", spec, err)
		}
	}
}

func TestUseOfAnotherUsage(t *testing.T) {
	k := Key{ID: "1234abcd-12ab-34cd-56ef-1234567890ab", Account: "111122223333", Region: "us-east-1", Spec: "RSA_2048", Usage: SignVerify}
	for _, c := range []struct {
		usage           Usage
		algorithm, want string
	}{
		{EncryptDecrypt, "RSAES_OAEP_SHA_1", k.ARN() + " key usage is SIGN_VERIFY which is not valid for Op."},
		{SignVerify, "ECDSA_SHA_256", "Algorithm ECDSA_SHA_256 is incompatible with key spec RSA_2048."},
	} {
		if err := k.Use("Op", c.usage, c.algorithm); kindOf(err) != KindInvalidKeyUsage || err.(*Error).Message != c.want {
			t.Errorf("%v", err)
		}
	}
	if err := k.Use("Op", SignVerify, "RSASSA_PSS_SHA_256"); err != nil {
		t.Error(err)
	}
}

func TestSuiteTableIsRead(t *testing.T) {
	for _, broken := range []string{"head\nRSA_2048 SIGN_VERIFY AWS_KMS yes", "head\nRSA_2048 SIGN_VERIFY AWS_KMS perhaps X"} {
		if !panics(func() { parseSuites(broken) }) {
			t.Errorf("%q is read", broken)
		}
	}
	if !panics(func() { parseMessages("a RAW\nX perhaps") }) || !panics(func() { parseMessages("a RAW\nX") }) || !panics(func() { parsePlaintexts("h\nX Y many") }) {
		t.Error("broken tables are read")
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return false
}

// TestMessages tries every signing algorithm with every message type and the relevant lengths.
func TestMessages(t *testing.T) {
	hash := map[string]int{"256": 32, "384": 48, "512": 64}
	cells := 0
	for _, spec := range allSpecs {
		algorithms, _, _ := wantSuite(spec, SignVerify)
		for _, algorithm := range algorithms {
			_, bits, _ := cutLast(algorithm)
			edwards, prehashed := strings.HasPrefix(algorithm, "ED25519"), strings.HasPrefix(algorithm, "ED25519_PH")
			lattice := strings.HasPrefix(algorithm, "ML_DSA")
			for size := range 100 {
				for messageType, ok := range map[string]bool{
					"RAW":         !prehashed,
					"DIGEST":      !lattice && (!edwards || prehashed) && size == hash[bits],
					"EXTERNAL_MU": lattice && size == 64,
					"":            false,
				} {
					cells++
					if err := CheckMessage(algorithm, messageType, size); (err == nil) != ok || !ok && kindOf(err) != KindValidation {
						t.Errorf("%s %s of %d bytes: %v", algorithm, messageType, size, err)
					}
				}
			}
		}
	}
	t.Attr("ran", fmt.Sprintf("%d cells of signing algorithms, message types and lengths", cells))
}

// The longest OAEP plaintext is the modulus length minus two hashes and two bytes (RFC 8017, section 7.1.1).
func TestPlaintexts(t *testing.T) {
	for spec, modulus := range map[Spec]int{"RSA_2048": 256, "RSA_3072": 384, "RSA_4096": 512} {
		for algorithm, hash := range map[string]int{"RSAES_OAEP_SHA_1": 20, "RSAES_OAEP_SHA_256": 32} {
			most := modulus - 2*hash - 2
			if err := CheckPlaintext(spec, algorithm, most); err != nil {
				t.Error(err)
			}
			if err := CheckPlaintext(spec, algorithm, most+1); kindOf(err) != KindValidation || !strings.Contains(err.Error(), fmt.Sprint(most)) {
				t.Errorf("%s %s of %d bytes: %v", spec, algorithm, most+1, err)
			}
		}
	}
	if CheckPlaintext(SymmetricDefault, "SYMMETRIC_DEFAULT", 4096) != nil || CheckPlaintext(SymmetricDefault, "SYMMETRIC_DEFAULT", 4097) == nil {
		t.Error("symmetric")
	}
}
