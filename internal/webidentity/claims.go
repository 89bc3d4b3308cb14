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

// Claims are what a verified token says, as far as it matters here.
type Claims struct {
	Issuer   string
	Subject  string
	Audience string // the one that the provider's tokens may be for

	Tags           Tags
	SourceIdentity string
}

// Tags are the session tags that a token has.
type Tags struct {
	Principal  map[string][]string `json:"principal_tags"` // one value each
	Transitive []string            `json:"transitive_tag_keys"`
}

// claims are the claims of a token as they are written.
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

// An audience is one text or a list of them (RFC 7519, section 4.1.3).
type audience []string

// UnmarshalJSONFrom reads either form.
func (a *audience) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '"' {
		*a = make(audience, 1)
		return json.UnmarshalDecode(d, &(*a)[0])
	}
	return json.UnmarshalDecode(d, (*[]string)(a))
}

// A numericDate is a number of seconds since 1970 (RFC 7519, section 2); 0 is none.
type numericDate float64

var errDate = errors.New("a date that cannot be")

// UnmarshalJSONFrom reads a number that is a date.
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

// The longest subject, in bytes (OpenID Connect Core 1.0, section 2), and how far the
// clock of a provider may be ahead.
const (
	maxSubject = 255
	maxSkew    = 5 * time.Minute
)

// checkTime holds a token to the issuer and to the moment, before the provider is asked
// for keys. A token ends at the moment of its expiry (RFC 7519, section 4.1.4).
func (c claims) checkTime(issuer string, now time.Time) error {
	switch late := now.Add(maxSkew); {
	case c.Issuer != issuer:
		return invalid("The token was issued by another provider.", errIssuer)
	case !now.Before(c.Expires.time()):
		return key.Errorf(key.KindExpiredWebIdentityToken, "Token expired: it is no longer valid.").Because(errLate)
	case c.NotBefore.time().After(late) || c.IssuedAt.time().After(late):
		return invalid("The token is not valid yet.", errEarly)
	}
	return nil
}

// verified returns the claims of a token whose signature was verified.
func (c claims) verified(clientIDs []string) (Claims, error) {
	i := slices.IndexFunc(c.Audience, func(a string) bool { return slices.Contains(clientIDs, a) })
	switch {
	case i < 0:
		return Claims{}, invalid("Incorrect token audience", errAudience)
	case c.Subject == "" || len(c.Subject) > maxSubject:
		return Claims{}, invalid("The token has no subject, or too long a one.", errSubject)
	}
	return Claims{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience[i], Tags: c.Tags, SourceIdentity: c.SourceIdentity}, nil
}
