package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/keyhold/keyhold/internal/key"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
)

// maxAccessKeyID is the longest AccessKeyId of the IAM API.
const maxAccessKeyID = 128

// An authorization is a well-formed Authorization header: claims of the request about its
// signature, not yet verified.
type authorization struct {
	accessKeyID   string
	scope         scope
	signedHeaders []string // lower case, strictly ascending
	signature     [sha256.Size]byte
}

// A scope is the credential scope: the day, Region and service for which a signature is valid.
type scope struct{ date, region, service, terminator string }

func (s scope) String() string {
	return s.date + "/" + s.region + "/" + s.service + "/" + s.terminator
}

// parseAuthorization parses the Authorization header, which a request must have once. No error
// repeats a value from the header, because the value may be a secret in the wrong place.
func parseAuthorization(h Header) (a authorization, err error) {
	value := h.Get("authorization")
	switch {
	case value == "":
		return a, key.Errorf(key.KindMissingAuthenticationToken, "Missing Authentication Token")
	case h.hasSeveral("authorization"):
		return a, incomplete("The request has more than one 'Authorization' header.")
	}
	name, rest, _ := strings.Cut(value, " ")
	if name != algorithm {
		return a, incomplete("Unsupported AWS 'algorithm': the Authorization header must begin with '" + algorithm + "'.")
	}
	p, err := parseParameters(strings.Trim(rest, " "))
	if err != nil {
		return a, err
	}
	if a.accessKeyID, a.scope, err = parseCredential(p.credential); err != nil {
		return a, err
	}
	if a.signedHeaders, err = parseSignedHeaders(p.signedHeaders); err != nil {
		return a, err
	}
	a.signature, err = parseSignature(p.signature)
	return a, err
}

// parameters are the values that follow the algorithm in an Authorization header.
type parameters struct{ credential, signature, signedHeaders string }

// parseParameters reads "Credential=…, SignedHeaders=…, Signature=…", in any
// order and with or without spaces around the commas.
func parseParameters(s string) (parameters, error) {
	var p parameters
	if s == "" {
		return p, p.checkComplete()
	}
	for part := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(strings.Trim(part, " "), "=")
		field := p.field(name)
		switch {
		case field == nil:
			return p, incomplete(
				"The Authorization header holds something other than 'Credential', 'SignedHeaders' and 'Signature'.")
		case *field != "":
			return p, incomplete("The Authorization header has the '" + name + "' parameter more than once.")
		case value == "":
			return p, incomplete(requires(name))
		}
		*field = value
	}
	return p, p.checkComplete()
}

func (p *parameters) field(name string) *string {
	switch name {
	case "Credential":
		return &p.credential
	case "Signature":
		return &p.signature
	case "SignedHeaders":
		return &p.signedHeaders
	}
	return nil
}

// checkComplete returns an error that names all missing parameters, or nil.
func (p *parameters) checkComplete() error {
	var missing []string
	for _, name := range [...]string{"Credential", "Signature", "SignedHeaders"} {
		if *p.field(name) == "" {
			missing = append(missing, requires(name))
		}
	}
	if missing == nil {
		return nil
	}
	return incomplete(strings.Join(missing, " "))
}

func requires(parameter string) string {
	return "Authorization header requires '" + parameter + "' parameter."
}

func parseCredential(s string) (id string, sc scope, err error) {
	parts := strings.Split(s, "/")
	switch {
	case len(parts) != 5:
		return "", sc, incomplete(
			"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term.")
	case parts[0] == "" || len(parts[0]) > maxAccessKeyID || strings.ContainsFunc(parts[0], notWord):
		return "", sc, incomplete("The access key ID in Credential must be 1 to 128 letters, digits and underscores.")
	case len(parts[1]) != len(dateLayout) || strings.ContainsFunc(parts[1], notDigit):
		return "", sc, incomplete("Date in Credential scope must be in the form YYYYMMDD.")
	}
	return parts[0], scope{parts[1], parts[2], parts[3], parts[4]}, nil
}

// parseSignedHeaders accepts only the canonical spelling of a list of names. Therefore no header
// can be in the list twice, or be found under another name.
func parseSignedHeaders(s string) ([]string, error) {
	names := strings.Split(s, ";")
	for i, name := range names {
		if name == "" || strings.ContainsFunc(name, notLowerToken) || i > 0 && names[i-1] >= name {
			return nil, incomplete(
				"SignedHeaders must be header names in lower case, in alphabetical order, each once, separated by ';'.")
		}
	}
	return names, nil
}

func parseSignature(s string) (sum [sha256.Size]byte, err error) {
	var digits [2 * sha256.Size]byte
	if len(s) == len(digits) && !strings.ContainsAny(s, "ABCDEF") { // Decode accepts capitals
		copy(digits[:], s)
		if _, err = hex.Decode(sum[:], digits[:]); err == nil {
			return sum, nil
		}
	}
	return sum, incomplete("Signature must be 64 lower-case hexadecimal digits.")
}

func notDigit(r rune) bool { return r < '0' || r > '9' }
func notLower(r rune) bool { return r < 'a' || r > 'z' }
func notWord(r rune) bool  { return notDigit(r) && notLower(r|0x20) && r != '_' }

// notLowerToken reports whether r cannot stand in a lower-case field name (RFC
// 9110, section 5.6.2).
func notLowerToken(r rune) bool {
	return notLower(r) && r != '-' && notDigit(r) && !strings.ContainsRune("!#$%&'*+.^_`|~", r)
}

func incomplete(message string) error {
	return &key.Error{Kind: key.KindIncompleteSignature, Message: message}
}

func invalid(format string, args ...any) error {
	return key.Errorf(key.KindInvalidSignature, format, args...)
}

// UnverifiedSigner returns the access key ID and the Region in the Authorization header of a
// request. Each is "" if it cannot be parsed. Neither is verified, and the ID may be a secret in
// the wrong place.
func UnverifiedSigner(r *Request) (accessKeyID, region string) {
	a, _ := parseAuthorization(r.Header)
	return a.accessKeyID, a.scope.region
}
