package crypt

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"path"
)

// rsaAlgorithm is the suffix of the API's algorithms with this hash, if there are any.
var rsaAlgorithm = map[string]string{"SHA-256": "_SHA_256", "SHA-384": "_SHA_384", "SHA-512": "_SHA_512"}

var rsaSpec = map[int]string{2048: "RSA_2048", 3072: "RSA_3072", 4096: "RSA_4096"}

// RSAES-OAEP with opened keys. Vectors with a label are valid there and rejected here, because the API has no
// labels.
func runOAEP(r *vectorRun, text []byte) {
	type group struct {
		KeySize         int
		SHA, MGFSHA     string
		PrivateKeyPKCS8 hexBytes
		Tests           []struct {
			vector
			Msg, CT, Label hexBytes
		}
	}
	for _, g := range groups[group](r, text) {
		algorithm := map[string]string{"SHA-1": "RSAES_OAEP_SHA_1", "SHA-256": "RSAES_OAEP_SHA_256"}[g.SHA]
		if rsaSpec[g.KeySize] == "" {
			r.leave(len(g.Tests), "RSA keys of sizes that the API does not have")
			continue
		}
		if algorithm == "" || g.SHA != g.MGFSHA {
			r.leave(len(g.Tests), "OAEP with hashes that the API does not have")
			continue
		}
		k := mustOpen(r, rsaSpec[g.KeySize], g.PrivateKeyPKCS8).(*RSAKey)
		for _, test := range g.Tests {
			if len(test.Label) > 0 {
				test.Result = "invalid"
			}
			got, err := k.Decrypt(algorithm, test.CT)
			if err != nil && err != ErrCiphertext {
				r.Errorf("%d: %v", test.ID, err)
			}
			r.holds(test.vector, err == nil && bytes.Equal(got, test.Msg))
		}
	}
}

func mustOpen(r *vectorRun, spec string, material []byte) Key {
	k, err := Open(spec, material)
	if err != nil {
		r.Fatal(r.file, err)
	}
	return k
}

// RSASSA-PKCS1-v1_5 has exactly one signature for each message.
func runPKCS1Sign(r *vectorRun, text []byte) {
	type group struct {
		KeySize         int
		SHA             string
		PrivateKeyPKCS8 hexBytes
		Tests           []struct {
			vector
			Msg, Sig hexBytes
		}
	}
	for _, g := range groups[group](r, text) {
		if rsaAlgorithm[g.SHA] == "" {
			r.leave(len(g.Tests), "RSA signatures with hashes that the API does not have")
			continue
		}
		k := mustOpen(r, rsaSpec[g.KeySize], g.PrivateKeyPKCS8).(*RSAKey)
		for _, test := range g.Tests {
			algorithm := pkcs1 + rsaAlgorithm[g.SHA]
			got, err := k.Sign(algorithm, test.Msg, false)
			r.holds(test.vector, err == nil && bytes.Equal(got, test.Sig) && k.Verify(algorithm, test.Msg, false, test.Sig) == nil)
		}
	}
}

func runRSAVerify(r *vectorRun, text []byte) {
	type group struct {
		KeySize      int
		SHA          string
		MGF, MGFSHA  string
		SLen         int
		PublicKeyDER hexBytes
		Tests        []struct {
			vector
			Msg, Sig hexBytes
		}
	}
	scheme := pkcs1
	if ofPSS, _ := path.Match("rsa_pss_*", r.file); ofPSS {
		scheme = pss
	}
	for _, g := range groups[group](r, text) {
		algorithm := scheme + rsaAlgorithm[g.SHA]
		if algorithm == scheme || scheme == pss && (g.MGF != "MGF1" || g.MGFSHA != g.SHA) {
			r.leave(len(g.Tests), "RSA signatures with hashes that the API does not have")
			continue
		}
		parsed, err := x509.ParsePKIXPublicKey(g.PublicKeyDER)
		if err != nil {
			r.Fatal(r.file, err)
		}
		_, h, err := rsaScheme(algorithm)
		if err != nil {
			r.Fatal(err)
		}
		for _, test := range g.Tests {
			if scheme == pss && g.SLen != h.Size() { // the API's salt is as long as the hash
				test.Result = map[bool]string{true: "valid", false: "invalid"}[test.Comment == fmt.Sprint("s_len changed to ", h.Size())]
			}
			err := verifyRSA(parsed.(*rsa.PublicKey), algorithm, test.Msg, false, test.Sig)
			hashed := hashUnless(false, h, test.Msg)
			if verifyRSA(parsed.(*rsa.PublicKey), algorithm, hashed, true, test.Sig) != err {
				r.Errorf("%d: the digest is judged otherwise than the message", test.ID)
			}
			r.holds(test.vector, err == nil)
		}
	}
}
