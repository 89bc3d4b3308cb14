package webidentity

import (
	"encoding/base64"
	"encoding/json"
)

// Claims are what a token says, as far as it matters here.
type Claims struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"-"` // the one that the provider's tokens may be for

	// Source: "Pass session tags using AssumeRoleWithWebIdentity" and "Monitor and
	// control actions taken with assumed roles" in the IAM user guide.
	Tags           Tags   `json:"https://aws.amazon.com/tags"`
	SourceIdentity string `json:"https://aws.amazon.com/source_identity"`
}

// Tags are the session tags that a token has.
type Tags struct {
	Principal  map[string][]string `json:"principal_tags"` // one value each
	Transitive []string            `json:"transitive_tag_keys"`
}

// unverified returns the claims of a token that nobody has verified.
func unverified(token string) (c Claims, err error) {
	err = decodePart(token, 1, &c)
	return c, err
}

// algorithmOf returns the name in the header of a token.
func algorithmOf(token string) (string, error) {
	var header struct {
		Algorithm string `json:"alg"`
	}
	err := decodePart(token, 0, &header)
	return header.Algorithm, err
}

func decodePart(token string, i int, into any) error {
	text, ok := part(token, i)
	if !ok {
		return errMalformed
	}
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(decoded, into) != nil {
		return errMalformed
	}
	return nil
}
