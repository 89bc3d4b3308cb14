package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
)

// isPresigned reports whether a request carries its signature in the query string.
func isPresigned(target string) bool {
	_, query, _ := strings.Cut(target, "?")
	if query == "" {
		return false
	}
	values, _ := url.ParseQuery(query) // the values before an error
	for name := range values {
		if isAmz(strings.ToLower(name)) {
			return true
		}
	}
	return false
}

// isRoot reports whether a request is for "/" without a query, the only target of the API.
// Therefore the canonical URI and query string are constants.
func isRoot(target string) bool { return target == "/" }

// A digest is a SHA-256 in hexadecimal digits.
type digest [2 * sha256.Size]byte

func digestOf(b []byte) (d digest) {
	sum := sha256.Sum256(b)
	hex.Encode(d[:], sum[:])
	return d
}

// canonicalDigest returns the digest of the canonical request.
func canonicalDigest(r *Request, signed []string, payload digest) (digest, error) {
	var room [1024]byte // enough for most requests
	b, err := appendHeaders(append(room[:0], canonicalStart(r.Method)...), r.Header, signed)
	if err != nil {
		return digest{}, err
	}
	return digestOf(appendEnd(b, signed, payload)), nil
}

// canonicalStart returns the part of the canonical request before the headers.
func canonicalStart(method string) string { return method + "\n/\n\n" }

// appendHeaders appends "name:value\n" of each signed header.
func appendHeaders(b []byte, h Header, signed []string) ([]byte, error) {
	for _, name := range signed {
		value, ok := h.First(name)
		if !ok || value == "" && name == "host" {
			return nil, invalid("The signed header '%s' is not in the request.", name)
		}
		b = append(b, name...)
		b = append(b, ':')
		b = appendTrimmed(b, value)
		b = append(b, '\n')
	}
	return b, nil
}

// appendTrimmed appends a header value, with one space for each run of spaces ("Trimall" in
// the IAM User Guide).
func appendTrimmed(b []byte, value string) []byte {
	if !strings.Contains(value, "  ") {
		return append(b, value...)
	}
	for i := range len(value) {
		if value[i] != ' ' || value[i-1] != ' ' { // a trimmed value does not begin with a space
			b = append(b, value[i])
		}
	}
	return b
}

// appendEnd appends the part of the canonical request after the headers.
func appendEnd(b []byte, signed []string, payload digest) []byte {
	b = append(b, '\n')
	for i, name := range signed {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, payload[:]...)
}

// stringToSign returns the text that a signature is computed over. canonical is the digest of the
// canonical request.
func stringToSign(timestamp string, s scope, canonical digest) []byte {
	b := make([]byte, 0, 192) // enough for most requests
	for _, part := range [...]string{
		algorithm, "\n", timestamp, "\n", s.date, "/", s.region, "/", s.service, "/", s.terminator, "\n",
	} {
		b = append(b, part...)
	}
	return append(b, canonical[:]...)
}
