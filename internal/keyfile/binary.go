package keyfile

import "bytes"

// magics are the first bytes of kinds of files.
var magics = []struct {
	kind  string
	at    int
	magic string
}{
	{"PKCS #12", 0, "\x30\x80\x02\x01\x03\x30\x80"}, // in BER that is too long to convert
	{"PKCS #7", 0, "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07"},
	{"JKS", 0, "\xfe\xed\xfe\xed\x00\x00\x00"},
	{"JCEKS", 0, "\xce\xce\xce\xce\x00\x00\x00"},
	{"BKS", 0, "\x00\x00\x00\x01\x00\x00\x00\x14"},
	{"BKS", 0, "\x00\x00\x00\x02\x00\x00\x00\x14"},
	{"PVK", 0, "\x1e\xf1\xb5\xb0\x00\x00\x00\x00"},
	{"MSBLOB", 0, "\x07\x02\x00\x00\x00\xa4\x00\x00RSA2"},
	{"MSBLOB", 0, "\x07\x02\x00\x00\x00\x24\x00\x00RSA2"},
	{"openssl enc", 0, "Salted__"},
	{"age", 0, "age-encryption.org/v1\n"},
	{"xz", 0, "\xfd7zXZ\x00"},
	{"PDF", 0, "%PDF-"},
	{"tar", 257, "ustar"},
	{"zip", 0, "PK\x03\x04"},
	{"bzip2", 0, "BZh"},
	{"gzip", 0, "\x1f\x8b\x08"},
	{"PGP message", 0, "\x85"}, // public-key encrypted session key, old format, two-octet length (RFC 9580, section 4.2)
	{"PGP message", 0, "\x84"},
	{"PGP message", 0, "\x8c"}, // symmetric-key encrypted session key
	{"PGP message", 0, "\xc3"},
	{"PGP private key", 0, "\x95"},
	{"PGP private key", 0, "\x94"},
	{"PGP public key", 0, "\x99"},
	{"PGP public key", 0, "\x98"},
}

// readBinary reads a file that is not text: DER, or bytes as they are.
func (r *reader) readBinary(content []byte) (*File, error) {
	if len(bytes.TrimPrefix(content, bomUTF8)) == 0 {
		return nil, refuse("empty")
	}
	if f, err := r.readDER(content); f != nil || err != nil {
		return f, err
	}
	for _, m := range magics {
		if len(content) <= maxOctets && len(m.magic) < 7 {
			continue // any bytes can be material
		}
		if bytes.HasPrefix(content[min(m.at, len(content)):], []byte(m.magic)) {
			return nil, refuse(m.kind)
		}
	}
	return &File{
		readings: []reading{{form: "raw", octets: bytes.Clone(content)}},
		newline:  bytes.HasSuffix(content, []byte("\n")),
	}, nil
}
