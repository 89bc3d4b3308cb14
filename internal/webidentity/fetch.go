package webidentity

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The limits of a request to a provider, which is not trusted.
const (
	fetchTime   = 5 * time.Second // for discovery and keys together
	maxDocument = 512 << 10       // in bytes
)

// newClient returns an HTTP client for a provider. It uses only TLS and follows no redirects.
func newClient(t http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     httpsOnly{t},
		CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the provider redirects") },
	}
}

type httpsOnly struct{ http.RoundTripper }

// RoundTrip rejects URLs without TLS.
func (t httpsOnly) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, errors.New("the URL is not an https URL")
	}
	return t.RoundTripper.RoundTrip(r)
}

// roots returns the certificates to trust for a provider's servers, or nil to trust the system's.
func roots(pem string) (*x509.CertPool, error) {
	if pem == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(pem)) {
		return nil, errors.New("the roots of the provider contain no PEM certificate")
	}
	return pool, nil
}

// fetch returns the public keys with which a provider can sign tokens (OpenID Connect Discovery 1.0, section
// 4).
func fetch(ctx context.Context, client *http.Client, issuer string) ([]providerKey, error) {
	var discovered struct {
		Issuer string `json:"issuer"`
		JWKS   string `json:"jwks_uri"`
	}
	err := get(ctx, client, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration", &discovered)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	at, err := url.Parse(discovered.JWKS)
	switch {
	case discovered.Issuer != issuer:
		return nil, errors.New("discovery: the document names another issuer")
	case err != nil || at.Scheme != "https" || at.Host == "":
		return nil, errors.New("discovery: jwks_uri is not an https URL")
	}
	var set keySet
	if err := get(ctx, client, at.String(), &set); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return set.usable(), nil
}

// get fetches a URL and decodes the JSON document into into.
func get(ctx context.Context, client *http.Client, at string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxDocument+1))
	switch {
	case err != nil:
		return err
	case len(text) > maxDocument:
		return fmt.Errorf("the document has more than %d bytes", maxDocument)
	}
	return decode(text, into)
}
