package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
)

// presigned reports whether a request carries its signature in the query string.
func presigned(u *url.URL) bool {
	if u.RawQuery == "" {
		return false
	}
	for name := range u.Query() {
		if isAmz(name) {
			return true
		}
	}
	return false
}

// plain reports whether a request is for "/" without a query, the only target
// that the API has: so the canonical URI and query string are constants.
func plain(u *url.URL) bool {
	return u.Path == "/" && u.RawQuery == "" && !u.ForceQuery
}

// canonicalHeaders returns "name:value\n" of each signed header.
func canonicalHeaders(r *http.Request, signed []string) ([]byte, error) {
	b := make([]byte, 0, 1024)
	for _, name := range signed {
		value, ok := signedValue(r, name)
		if !ok {
			return nil, invalid("The signed header '%s' is not in the request.", name)
		}
		b = append(b, name...)
		b = append(b, ':')
		b = appendTrimmed(b, value)
		b = append(b, '\n')
	}
	return b, nil
}

// appendTrimmed appends a header value without surrounding white space and with
// each run of spaces as one ("Trimall" in the IAM User Guide).
func appendTrimmed(b []byte, value string) []byte {
	value = strings.Trim(value, " \t")
	for i := range len(value) {
		if value[i] != ' ' || value[i-1] != ' ' { // a trimmed value does not begin with a space
			b = append(b, value[i])
		}
	}
	return b
}

// canonicalHash returns the hexadecimal hash of the canonical request.
func canonicalHash(method string, headers []byte, signed []string, payload string) string {
	return hexHash(appendCanonical(make([]byte, 0, 2048), method, headers, signed, payload))
}

// appendCanonical appends the canonical request.
func appendCanonical(b []byte, method string, headers []byte, signed []string, payload string) []byte {
	b = append(b, method...)
	b = append(b, "\n/\n\n"...)
	b = append(b, headers...)
	b = append(b, '\n')
	for i, name := range signed {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, name...)
	}
	b = append(b, '\n')
	return append(b, payload...)
}

func stringToSign(timestamp string, s scope, canonicalHash string) string {
	return algorithm + "\n" + timestamp + "\n" + s.String() + "\n" + canonicalHash
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
