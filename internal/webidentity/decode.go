package webidentity

import (
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json"
)

// decode decodes JSON from outside with the rules for request bodies: names match exactly, names in an object
// are unique, text is valid UTF-8, and nothing follows the value. Members that v does not have are skipped, but
// must follow the same rules.
func decode(text []byte, v any) error { return json.Unmarshal(text, v) }

// A header is the header of a token (RFC 7515, section 4.1).
type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	// Critical lists extensions that the reader must understand. This package understands none.
	Critical []string `json:"crit"`
}

// A parsedToken is a token whose signature has not been verified.
type parsedToken struct {
	text    string
	header  header
	payload []byte
	claims  claims
}

// parse parses a token in compact serialization (RFC 7515, section 7.1).
func parse(token string) (t parsedToken, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || strings.ContainsAny(token, "\r\n") { // encoding/base64 ignores line breaks
		return t, errMalformed
	}
	head, err := base64.RawURLEncoding.Strict().DecodeString(parts[0])
	if err != nil || decode(head, &t.header) != nil || t.header.Critical != nil {
		return t, errMalformed
	}
	t.payload, err = base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err != nil || decode(t.payload, &t.claims) != nil {
		return t, errMalformed
	}
	t.text = token
	return t, nil
}
