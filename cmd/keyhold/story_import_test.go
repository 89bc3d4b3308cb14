package main

import "strings"

// wrap encrypts a file for import as every owner of key material can: with
// OpenSSL.
func (s step) wrap() { s.wrapWith(s.args[0], s.args[1], s.args[2], s.args[3]) }

func (s step) wrapWith(hash, public, in, out string) {
	s.Check(s.Exec("openssl", "pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", public, "-in", in, "-out", out,
		"-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:"+hash, "-pkeyopt", "rsa_mgf1_md:"+hash))
}

// importMaterial takes the steps of an import, which testdata/05-import.txtar
// takes one by one: parameters, wrapping, import. The members that begin with
// Wrapping go to GetParametersForImport, all others to ImportKeyMaterial. "!" is
// about the last step alone.
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
	hash := strings.TrimPrefix(parameters["WrappingAlgorithm"].(string), "RSAES_OAEP_")
	s.wrapWith(strings.ToLower(strings.ReplaceAll(hash, "_", "")), "last-public.der", file, "last-wrapped.bin")
	s.tell(s.call("ImportKeyMaterial", s.encode(s.members(members))))
}
