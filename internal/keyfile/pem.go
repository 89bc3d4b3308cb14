package keyfile

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"regexp"
	"strings"
)

// labels are the kinds of PEM blocks (RFC 7468) that contain no readable private key.
var labels = map[string]string{
	"OPENSSH PRIVATE KEY":     "OpenSSH",
	"TSS2 PRIVATE KEY":        "TPM",
	"PGP PRIVATE KEY BLOCK":   "PGP private key",
	"PGP PUBLIC KEY BLOCK":    "PGP public key",
	"PGP MESSAGE":             "PGP message",
	"AGE ENCRYPTED FILE":      "age",
	"CERTIFICATE":             "certificate",
	"TRUSTED CERTIFICATE":     "certificate",
	"X509 CERTIFICATE":        "certificate",
	"CERTIFICATE REQUEST":     "request",
	"NEW CERTIFICATE REQUEST": "request",
	"X509 CRL":                "CRL",
	"PUBLIC KEY":              "public key",
	"RSA PUBLIC KEY":          "public key",
	"EC PUBLIC KEY":           "public key",
	"PKCS7":                   "PKCS #7",
	"CMS":                     "PKCS #7",
	"PKCS12":                  "PKCS #12",
	"EC PARAMETERS":           "parameters",
	"DH PARAMETERS":           "parameters",
}

var beginLine = regexp.MustCompile(`-----BEGIN ([^-\r\n]+)-----`)

// readPEM reads the one private key in a text of PEM blocks. Certificates, parameters and text may stand around
// the block of the key.
func (r *reader) readPEM(text []byte) (*File, error) {
	private, other := "", ""
	for _, m := range beginLine.FindAllSubmatch(text, -1) {
		label := string(m[1])
		kind := labels[label]
		switch {
		case kind != "" && strings.HasSuffix(label, "PRIVATE KEY"):
			return nil, refuse(kind)
		case kind != "" && other == "":
			other = kind
		case !strings.HasSuffix(label, "PRIVATE KEY"):
		case private != "":
			return nil, refuse("several keys")
		default:
			private = label
		}
	}
	switch {
	case private != "":
		return r.readBlock(text, private)
	case other != "":
		return nil, refuse(other)
	}
	return nil, refuse("damaged PEM", "it has no block of a known kind")
}

// readBlock reads the private key of a block.
func (r *reader) readBlock(text []byte, label string) (*File, error) {
	canonical, ok := r.canonical(text, label)
	if !ok {
		return nil, refuse("damaged PEM", "the END line of its private key is missing")
	}
	block, _ := pem.Decode(canonical)
	if block == nil {
		return nil, refuse("damaged PEM", "its base64 or its headers are wrong")
	}
	der, was := r.keep(block.Bytes), ""
	if strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED") {
		var err error
		if der, was, err = r.decryptBlock(block); err != nil {
			return nil, err
		}
	}
	der, _ = r.toDER(der)
	pkcs8, form, err := r.fromDER(der)
	switch {
	case err == errNotKnown:
		return nil, refuse("damaged PEM", "there is no private key within its base64")
	case err != nil:
		return nil, err
	}
	return privateKey(pkcs8, "PEM, "+was+form)
}

// canonical returns the block of a label in the form that package pem requires. Files may contain a block with
// line breaks written as
//
// , as in JSON and in environment variables; on one line; or indented, as in YAML.
func (r *reader) canonical(text []byte, label string) ([]byte, bool) {
	begin, end := "-----BEGIN "+label+"-----", "-----END "+label+"-----"
	_, body, _ := bytes.Cut(text, []byte(begin))
	body, _, found := bytes.Cut(body, []byte(end))
	block := r.buffer(len(begin) + len(end) + 2*len(body) + 8)[:0]
	block = append(append(block, begin...), '\n')
	headers := bytes.Contains(body, []byte("Proc-Type:"))
	body = bytes.TrimLeft(body, " \t\r\n")
	for len(body) > 0 {
		line, rest := cutLine(body)
		body = rest
		line = bytes.Trim(line, " \t")
		if headers {
			block = append(append(block, line...), '\n')
			continue
		}
		for word := range bytes.FieldsSeq(line) {
			block = append(append(block, word...), '\n')
		}
	}
	return append(append(block, end...), '\n'), found
}

// cutLine returns the text before and after the first line break: a newline, a carriage return, both, or the
// characters
//
//	and \r.
func cutLine(text []byte) (line, rest []byte) {
	i := bytes.IndexAny(text, "\n\r\\")
	if i < 0 {
		return text, nil
	}
	line, rest = text[:i], text[i:]
	for _, end := range []string{"\r\n", "\n", "\r", `\r\n`, `\n`, `\r`} {
		if after, ok := bytes.CutPrefix(rest, []byte(end)); ok {
			return line, after
		}
	}
	return text[:i+1], text[i+1:]
}

// decryptBlock decrypts a block whose headers describe its encryption (RFC 1423), as OpenSSL wrote blocks before
// PKCS #8.
func (r *reader) decryptBlock(block *pem.Block) (der []byte, was string, err error) {
	how, _, _ := strings.Cut(block.Headers["DEK-Info"], ",")
	switch how {
	case "DES-CBC", "DES-EDE3-CBC", "AES-128-CBC", "AES-192-CBC", "AES-256-CBC":
	default:
		return nil, "", refuse("encryption", short(how))
	}
	secret, err := r.passphrase()
	if err != nil {
		return nil, "", err
	}
	defer clear(secret)
	//lint:ignore SA1019 the function is deprecated because nobody should encrypt so: this only reads older files
	der, err = x509.DecryptPEMBlock(block, secret)
	switch {
	case errors.Is(err, x509.IncorrectPasswordError):
		return nil, "", ErrPassphrase
	case err != nil:
		return nil, "", refuse("damaged PEM", "its DEK-Info does not go with its content")
	}
	if !r.isSequence(r.keep(der)) {
		return nil, "", ErrPassphrase
	}
	return der, "encrypted (" + how + "), ", nil
}
