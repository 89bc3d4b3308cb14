package main

import (
	"crypto/rand"
	"encoding/hex"
	"os"
	"strings"
)

// wrap encrypts a file for import with OpenSSL, as any owner of key material can.
func (s step) wrap() { s.wrapWith(s.args[0], s.args[1], s.args[2], s.args[3]) }

func (s step) wrapWith(hash, public, in, out string) {
	s.Check(s.Exec("openssl", "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", public, "-in", in, "-out", out,
		"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:"+hash, "-pkeyopt", "rsa_mgf1_md:"+hash))
}

// wrapHybrid wraps a file under an AES key, and the AES key under the public key.
func (s step) wrapHybrid(hash, public, in, out string) {
	sessionKey := make([]byte, 32)
	rand.Read(sessionKey)
	s.Check(os.WriteFile(s.MkAbs("last-aes.bin"), sessionKey, 0o600))
	s.wrapWith(hash, public, "last-aes.bin", "last-first.bin")
	s.Check(s.Exec("openssl", "enc", "-id-aes256-wrap-pad", "-iv", "A65959A6", "-K", hex.EncodeToString(sessionKey), "-in", in, "-out", "last-second.bin"))
	both := s.ReadFile("last-first.bin") + s.ReadFile("last-second.bin")
	s.Check(os.WriteFile(s.MkAbs(out), []byte(both), 0o600))
}

// importMaterial does all steps of an import: parameters, wrapping, import. testdata/05-import.txtar
// has each step as a line of its own. Members that begin with "Wrapping" go to
// GetParametersForImport, all others to ImportKeyMaterial. "!" applies to ImportKeyMaterial.
func (s step) importMaterial() {
	keyID, file := "KeyId="+s.args[0], s.args[1]
	wrapping := []string{keyID, "WrappingAlgorithm=RSAES_OAEP_SHA_256", "WrappingKeySpec=RSA_2048"}
	members := []string{keyID, "ImportToken=@last-token.bin", "EncryptedKeyMaterial=@last-wrapped.bin", "ExpirationModel=KEY_MATERIAL_DOES_NOT_EXPIRE"}
	for _, word := range s.args[2:] {
		if strings.HasPrefix(word, "Wrapping") {
			wrapping = append(wrapping, word)
		} else {
			members = append(members, word)
		}
	}
	parameters := s.members(wrapping)
	s.Check(s.call("GetParametersForImport", s.encode(parameters)))
	s.writeBlob("last-public.der", "PublicKey")
	s.writeBlob("last-token.bin", "ImportToken")
	hash, hybrid := strings.CutPrefix(parameters["WrappingAlgorithm"].(string), "RSA_AES_KEY_WRAP_")
	wrap := s.wrapWith
	if hybrid {
		wrap = s.wrapHybrid
	}
	hash = strings.TrimPrefix(hash, "RSAES_OAEP_")
	wrap(strings.ToLower(strings.ReplaceAll(hash, "_", "")), "last-public.der", file, "last-wrapped.bin")
	s.printResult(s.call("ImportKeyMaterial", s.encode(s.members(members))))
}
