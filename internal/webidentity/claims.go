package webidentity

import (
	"errors"
	"math"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/keyhold/keyhold/internal/key"
)

// Claims are the claims of a verified token that the caller needs.
type Claims struct {
	Issuer   string
	Subject  string
	Audience string // the first audience of the token that the provider allows

	Tags           Tags
	SourceIdentity string
}

// Tags are the session tags in a token.
type Tags struct {
	Principal  map[string][]string `json:"principal_tags"` // one value for each name
	Transitive []string            `json:"transitive_tag_keys"`
}

// claims are the claims of a token in their JSON form.
type claims struct {
	Issuer    string      `json:"iss"`
	Subject   string      `json:"sub"`
	Audience  audience    `json:"aud"`
	Expires   numericDate `json:"exp"`
	NotBefore numericDate `json:"nbf"`
	IssuedAt  numericDate `json:"iat"`

	// Source: "Pass session tags using AssumeRoleWithWebIdentity" and "Monitor and
	// control actions taken with assumed roles" in the IAM user guide.
	Tags           Tags   `json:"https://aws.amazon.com/tags"`
	SourceIdentity string `json:"https://aws.amazon.com/source_identity"`
}

// An audience is a string or a list of strings (RFC 7519, section 4.1.3).
type audience []string

// UnmarshalJSONFrom decodes both forms.
func (a *audience) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		*a = make(audience, 1)
		return json.UnmarshalDecode(d, &(*a)[0])
	}
	return json.UnmarshalDecode(d, (*[]string)(a))
}

// A numericDate is a number of seconds since 1970 (RFC 7519, section 2). 0 means absent.
type numericDate float64

var errDate = errors.New("the date is out of range")

// UnmarshalJSONFrom decodes a number and checks its range.
func (n *numericDate) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if err := json.UnmarshalDecode(d, (*float64)(n)); err != nil {
		return err
	}
	if *n < 0 || float64(*n) > math.MaxUint32*1000 {
		return errDate
	}
	return nil
}

func (n numericDate) time() time.Time {
	seconds, fraction := math.Modf(float64(n))
	return time.Unix(int64(seconds), int64(fraction*1e9))
}

// The maximum length of a subject in bytes (OpenID Connect Core 1.0, section 2), and how far the clock of a
// provider may be ahead.
const (
	maxSubject = 255
	maxSkew    = 5 * time.Minute
)

// checkTime checks the issuer and the times of a token, before the provider is asked for keys. A token ends at
// the moment of its expiry (RFC 7519, section 4.1.4).
func (c claims) checkTime(issuer string, now time.Time) error {
	switch late := now.Add(maxSkew); {
	case c.Issuer != issuer:
		return invalidToken("The token was issued by another provider.", errIssuer)
	case !now.Before(c.Expires.time()):
		return key.Errorf(key.KindExpiredWebIdentityToken, "Token expired: it is no longer valid.").Because(errLate)
	case c.NotBefore.time().After(late) || c.IssuedAt.time().After(late):
		return invalidToken("The token is not valid yet.", errEarly)
	}
	return nil
}

// check checks the audience and the subject, and returns the claims. The caller has verified the signature.
func (c claims) check(clientIDs []string) (Claims, error) {
	i := slices.IndexFunc(c.Audience, func(a string) bool { return slices.Contains(clientIDs, a) })
	switch {
	case i < 0:
		return Claims{}, invalidToken("Incorrect token audience", errAudience)
	case c.Subject == "" || len(c.Subject) > maxSubject:
		return Claims{}, invalidToken("The token has no subject, or its subject is too long.", errSubject)
	}
	return Claims{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience[i], Tags: c.Tags,
		SourceIdentity: c.SourceIdentity}, nil
}
