package webidentity

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"

	"github.com/keyhold/keyhold/internal/key"
)

// A Provider is who is trusted to say who somebody is.
type Provider struct {
	Issuer    string   // its URL
	ClientIDs []string // the audiences that its tokens may be for
	Roots     string   // PEM of those who vouch for its servers; "" for the system's
}

// A Verifier verifies tokens. It is safe for concurrent use.
type Verifier struct {
	transport func(roots *x509.CertPool) http.RoundTripper
	now       func() time.Time

	mu       sync.Mutex
	keyrings map[source]*keyring
}

// A source is what the keys of a provider depend on.
type source struct{ issuer, roots string }

// maxKeyrings bounds the providers whose keys are kept.
const maxKeyrings = 1000

// New returns a Verifier that asks providers over the transport, and takes tokens at
// wall time.
func New(transport func(roots *x509.CertPool) http.RoundTripper, now func() time.Time) *Verifier {
	return &Verifier{transport: transport, now: now, keyrings: map[source]*keyring{}}
}

// Issuer returns the issuer that a token names, of which nothing is verified yet.
func Issuer(token string) (string, error) {
	c, err := unverified(token)
	if err != nil || c.Issuer == "" {
		return "", invalid("The ID Token provided is not a valid JWT.", errMalformed)
	}
	return c.Issuer, nil
}

// Verify returns what a token of the provider says. A refusal is a key.Error.
func (v *Verifier) Verify(ctx context.Context, token string, p Provider) (Claims, error) {
	if err := checkAlgorithm(token); err != nil {
		return Claims{}, invalid("The ID Token provided is not a valid JWT.", err)
	}
	keys, err := v.keyring(p)
	if err != nil {
		return Claims{}, communication(err)
	}
	c := &check{keys: keys}
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = string(a)
	}
	t, err := oidc.NewVerifier(p.Issuer, c, &oidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: names, Now: v.now}).Verify(ctx, token)
	if err != nil {
		return Claims{}, v.refusal(err, c.err, token, p)
	}
	return v.claims(t, p)
}

// keyring returns the keys of a provider.
func (v *Verifier) keyring(p Provider) (*keyring, error) {
	of := source{p.Issuer, p.Roots}
	v.mu.Lock()
	defer v.mu.Unlock()
	if k := v.keyrings[of]; k != nil {
		return k, nil
	}
	pool, err := roots(p.Roots)
	if err != nil {
		return nil, err
	}
	if len(v.keyrings) >= maxKeyrings {
		clear(v.keyrings)
	}
	k := newKeyring(p.Issuer, bounded(v.transport(pool)), v.now)
	v.keyrings[of] = k
	return k, nil
}

// refusal tells what package oidc found, without a word of the token.
func (v *Verifier) refusal(err, ofSignature error, token string, p Provider) error {
	if u, ok := errors.AsType[*unreachable](ofSignature); ok {
		return communication(u.error)
	}
	if ofSignature != nil {
		return invalid("Couldn't verify the signature of the token.", ofSignature)
	}
	if _, expired := errors.AsType[*oidc.TokenExpiredError](err); expired {
		return key.Errorf(key.KindExpiredWebIdentityToken, "Token expired: it is no longer valid.").Because(errLate)
	}
	c, malformed := unverified(token)
	switch {
	case malformed != nil:
		return invalid("The ID Token provided is not a valid JWT.", errMalformed)
	case c.Issuer != p.Issuer:
		return invalid("The token was issued by another provider.", errIssuer)
	}
	return invalid("The token is not valid yet, or not a token.", errEarly)
}

// claims holds the rest of a verified token to its rules.
func (v *Verifier) claims(t *oidc.IDToken, p Provider) (c Claims, err error) {
	if err := t.Claims(&c); err != nil {
		return Claims{}, invalid("The claims of the token are malformed.", errMalformed)
	}
	c.Subject = t.Subject
	i := slices.IndexFunc(t.Audience, func(a string) bool { return slices.Contains(p.ClientIDs, a) })
	switch {
	case i < 0:
		return Claims{}, invalid("Incorrect token audience", errAudience)
	case c.Subject == "" || len(c.Subject) > maxSubject:
		return Claims{}, invalid("The token has no subject, or too long a one.", errSubject)
	case t.IssuedAt.After(v.now().Add(maxSkew)):
		return Claims{}, invalid("The token is not valid yet.", errEarly)
	}
	c.Audience = t.Audience[i]
	return c, nil
}

// The longest subject, in bytes (OpenID Connect Core 1.0, section 2), and how far the
// clock of a provider may be ahead.
const (
	maxSubject = 255
	maxSkew    = 5 * time.Minute
)

func invalid(message string, cause error) error {
	return (&key.Error{Kind: key.KindInvalidIdentityToken, Message: message}).Because(cause)
}

func communication(cause error) error {
	return key.Errorf(key.KindIDPCommunicationError, "Error communicating with the identity provider.").Because(cause)
}

// checkAlgorithm refuses algorithms by name before anything else is looked at.
func checkAlgorithm(token string) error {
	name, err := algorithmOf(token)
	if err != nil {
		return err
	}
	if !slices.Contains(algorithms, jose.SignatureAlgorithm(name)) {
		return errAlgorithm
	}
	return nil
}

// part returns a part of a token, which has three.
func part(token string, i int) (string, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", false
	}
	return parts[i], true
}
