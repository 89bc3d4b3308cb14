package webidentity

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/keyhold/keyhold/internal/key"
)

// A Provider is an OIDC provider that an account trusts.
type Provider struct {
	Issuer    string   // its URL
	ClientIDs []string // accepted audiences of its tokens
	Roots     string   // PEM certificates to trust for its servers; "" means the system's certificates
}

// A Verifier verifies tokens. Its methods may be called concurrently.
type Verifier struct {
	transport func(roots *x509.CertPool) http.RoundTripper
	now       func() time.Time
	fetches   chan struct{} // a place for each provider that is being asked

	mu       sync.Mutex
	keyrings map[source]*keyring
}

// A source identifies a keyring.
type source struct{ issuer, roots string }

// maxKeyrings is the maximum number of providers whose keys are cached.
const maxKeyrings = 256

// New returns a Verifier that asks providers over the transport. now returns wall time.
func New(transport func(roots *x509.CertPool) http.RoundTripper, now func() time.Time) *Verifier {
	return &Verifier{transport: transport, now: now, fetches: make(chan struct{}, maxFetches),
		keyrings: map[source]*keyring{}}
}

const notJWT = "The ID Token provided is not a valid JWT."

// Issuer returns the issuer that a token names. Nothing is verified yet.
func Issuer(token string) (string, error) {
	t, err := parse(token)
	if err != nil || t.claims.Issuer == "" {
		return "", invalidToken(notJWT, errMalformed)
	}
	return t.claims.Issuer, nil
}

// Verify verifies a token of the provider and returns its claims. Rejections are key.Errors.
func (v *Verifier) Verify(ctx context.Context, token string, p Provider) (Claims, error) {
	t, err := parse(token)
	if err == nil && !t.header.allowed() {
		err = errAlgorithm
	}
	if err != nil {
		return Claims{}, invalidToken(notJWT, err)
	}
	if err := t.claims.checkTime(p.Issuer, v.now()); err != nil {
		return Claims{}, err
	}
	keys, err := v.keyring(p)
	if err != nil {
		return Claims{}, communicationError(err)
	}
	if err := t.checkSignature(ctx, keys); err != nil {
		if u, ok := errors.AsType[*unreachable](err); ok {
			return Claims{}, communicationError(u.error)
		}
		return Claims{}, invalidToken("Couldn't verify the signature of the token.", err)
	}
	return t.claims.check(p.ClientIDs)
}

// keyring returns the keyring of a provider.
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
		v.dropOldest()
	}
	k := &keyring{issuer: p.Issuer, client: newClient(v.transport(pool)), now: v.now, fetches: v.fetches}
	v.keyrings[of] = k
	return k, nil
}

// dropOldest drops the provider that was asked least recently.
func (v *Verifier) dropOldest() {
	var oldest source
	var when time.Time
	for of, k := range v.keyrings {
		if asked := k.lastAsked(); oldest == (source{}) || asked.Before(when) {
			oldest, when = of, asked
		}
	}
	delete(v.keyrings, oldest)
}

func invalidToken(message string, cause error) error {
	return (&key.Error{Kind: key.KindInvalidIdentityToken, Message: message}).Because(cause)
}

func communicationError(cause error) error {
	return key.Errorf(key.KindIDPCommunicationError, "Error communicating with the identity provider.").Because(cause)
}
