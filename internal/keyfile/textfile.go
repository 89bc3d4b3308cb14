package keyfile

import (
	"bytes"
	"regexp"
)

// beginnings are the first characters of kinds of text.
var beginnings = []struct {
	kind  string
	begin *regexp.Regexp
}{
	{"PuTTY", regexp.MustCompile(`^PuTTY-User-Key-File-`)},
	{"SSH public key", regexp.MustCompile(`^(ssh-(rsa|dss|ed25519)|ecdsa-sha2-nistp\d+|sk-[a-z0-9-]+@openssh\.com) AAAA`)},
	{"SSH public key", regexp.MustCompile(`^---- BEGIN SSH2 PUBLIC KEY ----`)},
	{"SSH.com", regexp.MustCompile(`^---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----`)},
	{"age", regexp.MustCompile(`^age-encryption\.org/v1\n`)},
	{"age identity", regexp.MustCompile(`(?m)^AGE-SECRET-KEY-1`)},
	{"Ansible vault", regexp.MustCompile(`^\$ANSIBLE_VAULT;`)},
	{"openssl enc -a", regexp.MustCompile(`^U2FsdGVkX1`)}, // the base64 of Salted__
	{"JWT", regexp.MustCompile(`^eyJ[\w-]+\.[\w-]+\.[\w-]+$`)},
	{"JWE", regexp.MustCompile(`^eyJ[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$`)},
	{"share", regexp.MustCompile(`^keyhold-share-v\d+\n`)},
	{"root key", regexp.MustCompile(`^keyhold-root-key-v\d+:`)},
	{"extended key", regexp.MustCompile(`^[xyztuv](prv|pub)[1-9A-HJ-NP-Za-km-z]{100,}$`)},
	{"recovery phrase", regexp.MustCompile(`^([a-z]{3,8}\s+){11,23}[a-z]{3,8}$`)},
	{"HTML", regexp.MustCompile(`(?i)^<(!doctype html|html|head|body)\b`)},
	{"xxd", regexp.MustCompile(`^0{8}: [0-9a-f]{4} `)},
	{"hexdump", regexp.MustCompile(`^0{6,8}  ?[0-9a-f]{2} [0-9a-f]{2} `)},
	{"word dump", regexp.MustCompile(`^0{6,8} [0-9a-f]{4} [0-9a-f]{4} `)},
	{"openssl text", regexp.MustCompile(`^(RSA )?(Private|Public)-Key: \(|^Certificate:\s+Data:`)},
	{"SOPS", regexp.MustCompile(`(?m)^sops:$`)},
	{"Kubernetes", regexp.MustCompile(`(?m)^kind: Secret\s*$`)},
	{"PDF", regexp.MustCompile(`^%PDF-`)},
}

// readText reads a text file: PEM, JSON, XML, a key of a wallet, or encoded bytes.
func (r *reader) readText(content []byte) (*File, error) {
	text := unquote(content)
	if len(text) == 0 {
		return nil, refuse("empty")
	}
	if text[0] == '{' || text[0] == '[' {
		return r.readJSON(text)
	}
	if bytes.Contains(text, []byte("-----BEGIN ")) {
		return r.readPEM(text)
	}
	for _, b := range beginnings {
		if b.begin.Match(text) {
			return nil, refuse(b.kind)
		}
	}
	if text[0] == '<' {
		return r.readXML(text)
	}
	if scalar, ok := r.fromWIF(text); ok {
		return scalarFile("ECC_SECG_P256K1", scalar, "wallet import format")
	}
	return r.readOctets(content, text)
}

// walletHex is the form of hexadecimal digits after 0x, in which wallets write private keys on secp256k1.
const walletHex = "hexadecimal after 0x"

// readOctets returns the readings of a text as bytes, the most certain first. The encoded bytes can be a file
// themselves.
func (r *reader) readOctets(content, text []byte) (*File, error) {
	characters := bytes.TrimRight(content, "\r\n")
	f := &File{characters: len(characters), newline: len(characters) < len(content)}
	if octets, ok := r.fromHex(text); ok {
		form := "hexadecimal"
		if text[1] == 'x' || text[1] == 'X' {
			form = walletHex
		}
		return f, r.addEncoded(f, form, octets)
	}
	if octets, ok := r.fromBase64(text); ok {
		if err := r.addEncoded(f, "base64", octets); err != nil || f.key != nil {
			return f, err
		}
	}
	f.readings = append(f.readings, reading{"raw", bytes.Clone(characters), true})
	return f, nil
}

// addEncoded adds the decoded content of a text: a private key, or bytes. Decoded bytes can be encoded text
// again.
func (r *reader) addEncoded(f *File, form string, octets []byte) error {
	inner, err := r.readDER(octets)
	if text, _ := r.plain(octets); text != nil {
		inner, err = r.read(octets)
	}
	if err != nil {
		return refuseWithin(form, err)
	}
	if inner == nil || inner.key == nil {
		f.readings = append(f.readings, reading{form: form, octets: bytes.Clone(octets)})
	}
	if inner == nil {
		return nil
	}
	inner.within(form)
	f.key, f.form = inner.key, inner.form
	for _, i := range inner.readings {
		if !i.weak {
			f.readings = append(f.readings, i)
		} else {
			clear(i.octets)
		}
	}
	return nil
}
