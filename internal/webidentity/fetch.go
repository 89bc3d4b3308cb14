package webidentity

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

// The bounds of a request to a provider, which may be anything.
const (
	fetchTime   = 5 * time.Second
	maxDocument = 512 << 10 // bytes
	maxKeys     = 100
	leastRSA    = 2048 // bits
)

// bounded is a client of a provider: it follows nobody elsewhere, waits for nobody
// long and reads no more than it must.
func bounded(t http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     limited{t},
		Timeout:       fetchTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the provider redirects") },
	}
}

type limited struct{ http.RoundTripper }

// RoundTrip cuts the body of the answer.
func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, errors.New("the address is none of HTTPS")
	}
	answer, err := l.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, maxDocument), answer.Body}
	return answer, nil
}

// roots returns the certificates that vouch for a provider, nil for those of the
// system.
func roots(pem string) (*x509.CertPool, error) {
	if pem == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(pem)) {
		return nil, errors.New("the roots of the provider have no certificate in PEM")
	}
	return pool, nil
}

// fetch returns the public keys of a provider that can sign tokens.
func fetch(ctx context.Context, client *http.Client, issuer string) ([]jose.JSONWebKey, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, client), issuer)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	var document struct {
		JWKS string `json:"jwks_uri"`
	}
	if err := found.Claims(&document); err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	at, err := url.Parse(document.JWKS)
	if err != nil || at.Scheme != "https" || at.Host == "" {
		return nil, errors.New("discovery: jwks_uri is no address of HTTPS")
	}
	return fetchKeys(ctx, client, at.String())
}

func fetchKeys(ctx context.Context, client *http.Client, at string) (usable []jose.JSONWebKey, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("keys: %s", answer.Status)
	}
	// Each by itself, as a provider may have keys of kinds that nobody here knows.
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&set); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	for _, text := range set.Keys {
		var k jose.JSONWebKey
		if len(usable) < maxKeys && k.UnmarshalJSON(text) == nil && signs(k) {
			usable = append(usable, k)
		}
	}
	return usable, nil
}

// signs reports whether a key is a public one that tokens can be verified with. A
// symmetric key is none, so that nobody's public key is ever taken for a secret.
func signs(k jose.JSONWebKey) bool {
	if k.Use == "enc" || !k.Valid() {
		return false
	}
	switch public := k.Key.(type) {
	case *rsa.PublicKey:
		return public.N.BitLen() >= leastRSA
	case *ecdsa.PublicKey:
		return true
	}
	return false
}
