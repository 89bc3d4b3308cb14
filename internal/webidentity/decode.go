package webidentity

import (
	"encoding/base64"
	"strings"

	"github.com/go-json-experiment/json"
)

// decode reads JSON from outside as strictly as a request body: names match exactly,
// a name stands once in an object, text is valid UTF-8, and nothing follows the value.
// Members that v does not have are skipped, but held to the same rules.
func decode(text []byte, v any) error { return json.Unmarshal(text, v) }

// A header is what the header of a token says (RFC 7515, section 4.1).
type header struct {
	Algorithm string `json:"alg"`
	KeyID     string `json:"kid"`
	// Critical lists extensions that must be understood. None is understood here.
	Critical []string `json:"crit"`
}

// A parsedToken is a token taken apart. Nothing of it is verified.
type parsedToken struct {
	text    string
	header  header
	payload []byte
	claims  claims
}

// parse takes a token in compact serialization apart (RFC 7515, section 7.1).
func parse(token string) (t parsedToken, err error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || strings.ContainsAny(token, "\r\n") { // which encoding/base64 skips
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
