package keyfile

import (
	"bytes"
	"errors"
	"math/big"
)

// readXML reads the RSA private key that .NET writes with ToXmlString (XML Signature, section 4.5.2.2, with members
// for the private numbers).
func (r *reader) readXML(text []byte) (*File, error) {
	if !bytes.Contains(text, []byte("<RSAKeyValue>")) {
		return nil, refuse("XML")
	}
	if !bytes.Contains(text, []byte("<D>")) {
		return nil, refuse("public key")
	}
	numbers := make([]*big.Int, 0, 8)
	defer func() { wipe(numbers...) }()
	for _, name := range []string{"Modulus", "Exponent", "D", "P", "Q", "DP", "DQ", "InverseQ"} {
		_, rest, _ := bytes.Cut(text, []byte("<"+name+">"))
		content, _, found := bytes.Cut(rest, []byte("</"+name+">"))
		octets, ok := r.fromBase64(bytes.TrimSpace(content))
		if !found || !ok {
			return nil, errors.New("the RSAKeyValue has no member " + name + " in base64")
		}
		numbers = append(numbers, new(big.Int).SetBytes(octets))
	}
	return privateKey(rsaPKCS8(numbers), "XML")
}
