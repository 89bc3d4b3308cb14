package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A provider is an OIDC provider that can be made to hang.
type provider struct {
	url   string
	key   *rsa.PrivateKey
	hangs atomic.Bool
	stop  func() error
}

// newProvider starts a provider with the certificate of the lab.
func (l *lab) newProvider() (*provider, error) {
	cert, err := tls.LoadX509KeyPair(l.file("cert.pem"), l.file("key.pem"))
	if err != nil {
		return nil, err
	}
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert},
		NextProtos: []string{"http/1.1"}})
	if err != nil {
		return nil, err
	}
	p := &provider{url: "https://" + listener.Addr().(*net.TCPAddr).String(), key: k}
	server := &http.Server{Handler: p}
	go server.Serve(listener)
	p.stop = server.Close
	return p, nil
}

// ServeHTTP serves discovery and keys, or hangs.
func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p.hangs.Load() {
		<-r.Context().Done()
		return
	}
	encode := base64.RawURLEncoding.EncodeToString
	answer := any(map[string]string{"issuer": p.url, "jwks_uri": p.url + "/keys"})
	if r.URL.Path == "/keys" {
		answer = map[string]any{"keys": []any{map[string]string{
			"kty": "RSA", "kid": "known", "n": encode(p.key.N.Bytes()), "e": encode(big.NewInt(int64(p.key.E)).Bytes()),
		}}}
	}
	json.NewEncoder(w).Encode(answer)
}

// token returns a token that names a key ID.
func (p *provider) token(id string) (string, error) {
	encode := base64.RawURLEncoding.EncodeToString
	text := encode(fmt.Appendf(nil, `{"alg":"RS256","kid":%q}`, id)) + "." +
		encode(fmt.Appendf(nil, `{"iss":%q,"sub":"app","aud":"sts","exp":%d}`, p.url, time.Now().Add(time.Hour).Unix()))
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(nil, p.key, crypto.SHA256, sum[:])
	return text + "." + encode(signature), err
}

// trust declares the provider and a role for its tokens.
func (s *server) trust(ctx context.Context, p *provider) error {
	host := strings.TrimPrefix(p.url, "https://")
	_, err := s.apply(ctx, fmt.Sprintf(`[[oidc_provider]]
url = %q
client_ids = ["sts"]
ca_file = "cert.pem"

[[role]]
name = "app"
trust = '''{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
  "Principal": {"Federated": "arn:aws:iam::%s:oidc-provider/%s"}}}'''
`, p.url, account, host))
	return err
}

// assume exchanges a token for credentials and returns how long that took.
func (s *server) assume(ctx context.Context, client *http.Client, token string) (took time.Duration, err error) {
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleSessionName": {"pod"},
		"RoleArn": {"arn:aws:iam::" + account + ":role/app"}, "WebIdentityToken": {token},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url()+"/", strings.NewReader(form.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	begun := time.Now()
	answer, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, text)
	}
	return time.Since(begun), err
}

// longestAssume is the bar for tokens whose key is cached. providerRest is the minimum time between two
// requests to a provider.
const (
	longestAssume = time.Second
	providerRest  = 10 * time.Second
)

// slowProvider makes tokens with unknown keys wait for a provider that hangs. Meanwhile it measures tokens with
// a known key, and Encrypt of other clients.
func slowProvider(ctx context.Context, l *lab) (string, error) {
	s, err := l.serve()
	if err != nil {
		return "", err
	}
	p, err := l.newProvider()
	if err != nil {
		return "", err
	}
	defer p.stop()
	known, err := p.token("known")
	if err != nil {
		return "", err
	}
	if err := s.trust(ctx, p); err != nil {
		return "", err
	}
	client := l.http(16)
	if _, err := s.assume(ctx, client, known); err != nil {
		return "", err
	}
	asked := time.Now()
	o, err := s.newOthers(ctx)
	if err != nil {
		return "", err
	}
	p.hangs.Store(true)
	time.Sleep(time.Until(asked.Add(providerRest)))
	stop := inParallel(ctx, 4, func(ctx context.Context, i int) {
		unknown, _ := p.token(fmt.Sprintf("unknown-%d", i))
		for ctx.Err() == nil {
			s.assume(ctx, client, unknown)
			time.Sleep(50 * time.Millisecond)
		}
	})
	defer stop()
	time.Sleep(time.Second) // until they wait
	return measureKnown(ctx, s, o, client, known)
}

func measureKnown(ctx context.Context, s *server, o *others, client *http.Client, known string) (string, error) {
	var took []time.Duration
	for range 20 {
		t, err := s.assume(ctx, client, known)
		if err != nil {
			return "", fmt.Errorf("%w: a token with a known key: %w", errMissed, err)
		}
		took = append(took, t)
	}
	slices.Sort(took)
	slowest := took[len(took)-1]
	figure := fmt.Sprintf("tokens with a cached key: p50 %.1f ms, slowest %.1f ms", ms(percentile(took, 50)), ms(slowest))
	if err := checkBar(slowest <= longestAssume, "the slowest took %v, at most %v", slowest, longestAssume); err != nil {
		return figure, err
	}
	suffered, err := o.compareWithQuiet(ctx, 2*time.Second)
	return figure + "; " + suffered, err
}
