package keyfile

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
)

// fromHex decodes hexadecimal digits on one or more lines, as xxd -p writes them. Spaces (od), colons (OpenSSL)
// and a 0x at the beginning (wallets) are allowed.
func (r *reader) fromHex(text []byte) ([]byte, bool) {
	text = bytes.TrimPrefix(bytes.TrimPrefix(text, []byte("0x")), []byte("0X"))
	digits := r.buffer(len(text))[:0]
	odd := false
	for _, c := range text {
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ':':
			if odd {
				return nil, false // a group of an odd number of digits
			}
		default:
			digits, odd = append(digits, c), !odd
		}
	}
	octets := r.buffer(len(digits) / 2)
	if len(digits) == 0 {
		return nil, false
	}
	_, err := hex.Decode(octets, digits)
	return octets, err == nil
}

// base64Encodings are the alphabets and paddings of base64 (RFC 4648, sections 4 and 5).
var base64Encodings = [...]*base64.Encoding{
	base64.StdEncoding.Strict(), base64.URLEncoding.Strict(),
	base64.RawStdEncoding.Strict(), base64.RawURLEncoding.Strict(),
}

// fromBase64 decodes base64 on one or more lines. All lines except the last must have the same length.
func (r *reader) fromBase64(text []byte) ([]byte, bool) {
	joined := r.buffer(len(text))[:0]
	first, last := 0, 0
	for line := range bytes.Lines(text) {
		line = bytes.TrimRight(line, " \t\r\n")
		if last != first {
			return nil, false // a line after a shorter one
		}
		if first == 0 {
			first = len(line)
		}
		if last = len(line); last > first {
			return nil, false
		}
		joined = append(joined, line...)
	}
	octets := r.buffer(len(joined))
	for _, e := range base64Encodings {
		if n, err := e.Decode(octets, joined); err == nil && n > 0 {
			return octets[:n], true
		}
	}
	return nil, false
}
