package service

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/keyhold/keyhold/internal/api/sts"
	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
	"github.com/keyhold/keyhold/internal/records"
	"github.com/keyhold/keyhold/internal/webidentity"
)

// AssumeRoleWithWebIdentity needs no signature, because the token identifies the caller. The
// provider must belong to the account of the role. Only the trust policy of the role decides.
var assumeRoleWithWebIdentity = withoutSignature(query("AssumeRoleWithWebIdentity", nil,
	func(in *sts.AssumeRoleWithWebIdentityRequest, _ time.Time) error {
		if in.ProviderId != nil {
			return key.Errorf(key.KindValidation,
				"ProviderId is for providers of OAuth 2.0 without OpenID Connect, which are not supported.")
		}
		return checkRoleARN(*in.RoleArn)
	},
	func(c *call, in *sts.AssumeRoleWithWebIdentityRequest) (*sts.AssumeRoleWithWebIdentityResponse, error) {
		a := assumption{
			action:  "sts:AssumeRoleWithWebIdentity",
			roleARN: *in.RoleArn,
			seconds: in.DurationSeconds,
			least:   in.MinimumSessionTokenSize,
		}
		a.session.Name = *in.RoleSessionName
		if err := takeSessionPolicies(&a.session, in.Policy, in.PolicyArns); err != nil {
			return nil, err
		}
		claims, err := c.takeWebIdentity(&a, *in.WebIdentityToken)
		if err != nil {
			return nil, err
		}
		role, out, err := c.assume(a)
		if err != nil {
			return nil, err
		}
		r := &sts.AssumeRoleWithWebIdentityResponse{
			Credentials: out.credentials, AssumedRoleUser: roleUser(role, a.session.Name), PackedPolicySize: out.packed,
			SessionTokenSize: out.size, SessionTokenUtilization: out.utilization,
			SubjectFromWebIdentityToken: &claims.Subject, Audience: &claims.Audience, Provider: &claims.Issuer,
		}
		if claims.SourceIdentity != "" {
			r.SourceIdentity = &claims.SourceIdentity
		}
		return r, nil
	}))

func withoutSignature(o Operation) Operation {
	o.Unsigned = true
	return o
}

// takeWebIdentity verifies the token and copies its claims into the session.
func (c *call) takeWebIdentity(a *assumption, token string) (claims webidentity.Claims, err error) {
	account, _, _, _, _ := identity.ParseARN(a.roleARN)
	issuer, err := webidentity.Issuer(token)
	if err != nil {
		return claims, err
	}
	p, err := c.providerOf(account, issuer)
	if err != nil {
		return claims, err
	}
	claims, err = c.webIdentity.Verify(c.ctx, token, webidentity.Provider{
		Issuer:    issuer,
		ClientIDs: p.ClientIDs,
		Roots:     p.Roots,
	})
	if err != nil {
		return claims, err
	}
	a.session.Web = &identity.WebIdentity{
		Provider: p.ARN(),
		Issuer:   p.Issuer,
		Audience: claims.Audience,
		Subject:  claims.Subject,
	}
	c.Caller.Principal = identity.Principal{
		Kind:      identity.KindWebIdentity,
		AccountID: account,
		ARN:       p.ARN(),
		Session:   &identity.Session{Web: a.session.Web},
	}
	c.held = append(c.held, func() error {
		now, err := c.providerOf(account, issuer)
		if err == nil && !reflect.DeepEqual(now, p) {
			err = key.Errorf(key.KindInvalidIdentityToken,
				"The OpenIDConnect provider was changed while its token was verified.")
		}
		return err
	})
	return claims, takeClaims(&a.session, claims)
}

// providerOf returns the provider of an account that has the issuer.
func (c *call) providerOf(account, issuer string) (p identity.OIDCProvider, err error) {
	p, ok, err := read(c.source(), records.OIDCProviders, records.ProviderPath(account, strings.TrimPrefix(issuer, "https://")))
	if err != nil || !ok || !strings.HasPrefix(issuer, "https://") {
		return p, firstOf(err, key.Errorf(key.KindInvalidIdentityToken,
			"No OpenIDConnect provider found in your account for %s", strings.ToValidUTF8(issuer, "\uFFFD")))
	}
	return p, nil
}

// takeClaims takes the session tags and the source identity that the provider gives.
func takeClaims(s *identity.Session, claims webidentity.Claims) error {
	for _, name := range slices.Sorted(maps.Keys(claims.Tags.Principal)) {
		values := claims.Tags.Principal[name]
		if len(values) != 1 || !validTag(name, values[0]) {
			return key.Errorf(key.KindInvalidIdentityToken,
				"The session tag %q of the token has not one value, or is malformed.", name)
		}
		s.Tags = append(s.Tags, identity.Tag{Key: name, Value: values[0]})
	}
	s.Transitive, s.SourceIdentity = claims.Tags.Transitive, claims.SourceIdentity
	named := s.SourceIdentity == "" || len(s.SourceIdentity) >= 2 && identity.ValidName(s.SourceIdentity)
	if len(s.Tags) > key.MaxTags || !named {
		return key.Errorf(key.KindInvalidIdentityToken,
			"The token has too many session tags, or a malformed source identity.")
	}
	return checkSessionTags(s.Tags, s.Transitive)
}

func validTag(name, value string) bool {
	n := utf8.RuneCountInString(name)
	return n >= 1 && n <= 128 && utf8.RuneCountInString(value) <= 256 && utf8.ValidString(name) && utf8.ValidString(value)
}
