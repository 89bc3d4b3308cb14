package webidentity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/keyhold/keyhold/internal/key"
)

// An issuer is an OIDC provider for tests.
type issuer struct {
	*testing.T
	*httptest.Server
	key     crypto.Signer
	set     func() any // returns its key set
	jwks    string     // URL of the key set, if not its own
	named   string     // issuer in its document, if not its own
	fetches atomic.Int32
	now     time.Time
	moved   atomic.Int64
	*Verifier
}

var keyOnce = sync.OnceValue(func() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
})

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{T: t, key: keyOnce(), now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	i.set = func() any { return i.keySet(jose.JSONWebKey{Key: i.key.Public(), KeyID: "k1", Use: "sig"}) }
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.fetches.Add(1)
		json.NewEncoder(w).Encode(map[string]any{"issuer": or(i.named, i.URL), "jwks_uri": or(i.jwks, i.URL+"/keys"), "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(i.set()) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/keys", http.StatusFound) })
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for range 2000 {
			w.Write([]byte(strings.Repeat(" ", 1024)))
		}
	})
	i.Server = httptest.NewTLSServer(mux)
	i.Server.Config.ErrorLog = nil
	t.Cleanup(i.Close)
	i.Verifier = New(Transport, func() time.Time { return i.now.Add(time.Duration(i.moved.Load())) })
	return i
}

func or(text, def string) string {
	if text == "" {
		return def
	}
	return text
}

func (i *issuer) keySet(keys ...jose.JSONWebKey) any { return jose.JSONWebKeySet{Keys: keys} }

func (i *issuer) provider() Provider {
	block := &pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw}
	return Provider{Issuer: i.URL, ClientIDs: []string{"sts", "other"}, Roots: string(pem.EncodeToMemory(block))}
}

func (i *issuer) claims(change func(map[string]any)) []byte {
	c := map[string]any{"iss": i.URL, "sub": "system:serviceaccount:ns:app", "aud": []string{"elsewhere", "sts"}, "iat": i.now.Unix(), "nbf": i.now.Unix(), "exp": i.now.Add(time.Hour).Unix()}
	if change != nil {
		change(c)
	}
	b, err := json.Marshal(c)
	if err != nil {
		i.Fatal(err)
	}
	return b
}

func (i *issuer) sign(alg jose.SignatureAlgorithm, with any, id string, claims []byte) string {
	i.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: with}, options)
	if err != nil {
		i.Fatal(err)
	}
	jws, err := s.Sign(claims)
	if err != nil {
		i.Fatal(err)
	}
	token, err := jws.CompactSerialize()
	if err != nil {
		i.Fatal(err)
	}
	return token
}

func (i *issuer) token(change func(map[string]any)) string {
	return i.sign(jose.RS256, i.key, "k1", i.claims(change))
}

func wantKind(t *testing.T, err error, kind key.Kind, part string) {
	t.Helper()
	e, ok := errors.AsType[*key.Error](err)
	if !ok || e.Kind != kind || !strings.Contains(e.Message, part) {
		t.Errorf("got %v, want %s …%s…", err, kind, part)
	}
	if ok && e.Cause != nil && strings.Contains(e.Cause.Error(), "serviceaccount") {
		t.Errorf("the log would contain text of the token: %v", e.Cause)
	}
}

func TestVerify(t *testing.T) {
	i := newIssuer(t)
	token := i.token(func(c map[string]any) {
		c["https://aws.amazon.com/tags"] = map[string]any{"principal_tags": map[string][]string{"team": {"x"}}, "transitive_tag_keys": []string{"team"}}
		c["https://aws.amazon.com/source_identity"] = "alice"
	})
	if named, err := Issuer(token); err != nil || named != i.URL {
		t.Errorf("%s, %v", named, err)
	}
	c, err := i.Verify(t.Context(), token, i.provider())
	if err != nil || c.Subject != "system:serviceaccount:ns:app" || c.Audience != "sts" || c.SourceIdentity != "alice" || c.Tags.Principal["team"][0] != "x" || c.Tags.Transitive[0] != "team" {
		t.Errorf("%+v, %v", c, err)
	}
}

// Every accepted algorithm works with its own key and with no other.
func TestAlgorithms(t *testing.T) {
	i := newIssuer(t)
	keys := map[jose.SignatureAlgorithm]crypto.Signer{}
	for _, a := range algorithms {
		keys[a] = keyOnce()
		if curve := map[jose.SignatureAlgorithm]elliptic.Curve{jose.ES256: elliptic.P256(), jose.ES384: elliptic.P384(), jose.ES512: elliptic.P521()}[a]; curve != nil {
			k, err := ecdsa.GenerateKey(curve, rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			keys[a] = k
		}
	}
	i.set = func() any {
		all := []any{map[string]any{"kty": "OKP", "crv": "X448", "kid": "unknown"}}
		for a, k := range keys {
			all = append(all, jose.JSONWebKey{Key: k.Public(), KeyID: string(a), Algorithm: string(a)})
		}
		return map[string]any{"keys": all}
	}
	for _, a := range algorithms {
		if _, err := i.Verify(t.Context(), i.sign(a, keys[a], string(a), i.claims(nil)), i.provider()); err != nil {
			t.Errorf("%s: %v", a, err)
		}
		if _, err := i.Verify(t.Context(), i.sign(a, keys[a], "", i.claims(nil)), i.provider()); err != nil {
			t.Errorf("%s without a key ID: %v", a, err)
		}
	}
	_, err := i.Verify(t.Context(), i.sign(jose.RS512, keys[jose.RS256], "RS256", i.claims(nil)), i.provider())
	wantKind(t, err, key.KindInvalidIdentityToken, "signature")
}

func TestRefusedTokens(t *testing.T) {
	i := newIssuer(t)
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(i.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	encode := base64.RawURLEncoding.EncodeToString
	good := i.token(nil)
	parts := strings.Split(good, ".")
	claim := func(name string, value any) string {
		return i.token(func(c map[string]any) {
			if c[name] = value; value == nil {
				delete(c, name)
			}
		})
	}
	const signature, noJWT = "Couldn't verify the signature", "not a valid JWT"
	for name, c := range map[string]struct {
		token string
		kind  key.Kind
		part  string
	}{
		"no algorithm, no signature": {encode([]byte(`{"alg":"none","kid":"k1"}`)) + "." + parts[1] + ".", key.KindInvalidIdentityToken, noJWT},
		"none, with a signature":     {encode([]byte(`{"alg":"none","kid":"k1"}`)) + "." + parts[1] + "." + parts[2], key.KindInvalidIdentityToken, noJWT},
		"None":                       {encode([]byte(`{"alg":"None"}`)) + "." + parts[1] + ".", key.KindInvalidIdentityToken, noJWT},
		"the public key as a secret": {i.sign(jose.HS256, public, "k1", i.claims(nil)), key.KindInvalidIdentityToken, noJWT},
		"its DER as a secret":        {i.sign(jose.HS256, der, "k1", i.claims(nil)), key.KindInvalidIdentityToken, noJWT},
		"another key of the name":    {i.sign(jose.RS256, other, "k1", i.claims(nil)), key.KindInvalidIdentityToken, signature},
		"another key in the token":   {i.sign(jose.RS256, jose.JSONWebKey{Key: other, KeyID: "k1"}, "", i.claims(nil)), key.KindInvalidIdentityToken, signature},
		"a key ID that is unknown":   {i.sign(jose.RS256, i.key, "k2", i.claims(nil)), key.KindInvalidIdentityToken, signature},
		"other claims":               {parts[0] + "." + encode(i.claims(func(c map[string]any) { c["sub"] = "admin" })) + "." + parts[2], key.KindInvalidIdentityToken, signature},
		"a cut signature":            {good[:len(good)-4], key.KindInvalidIdentityToken, signature},
		"no signature":               {parts[0] + "." + parts[1] + ".", key.KindInvalidIdentityToken, signature},
		"two parts":                  {parts[0] + "." + parts[1], key.KindInvalidIdentityToken, noJWT},
		"nothing":                    {"", key.KindInvalidIdentityToken, noJWT},
		"five parts":                 {good + ".a.b", key.KindInvalidIdentityToken, noJWT},
		"another issuer":             {claim("iss", "https://evil.example"), key.KindInvalidIdentityToken, "another provider"},
		"the issuer with a slash":    {claim("iss", i.URL+"/"), key.KindInvalidIdentityToken, "another provider"},
		"another audience":           {claim("aud", "elsewhere"), key.KindInvalidIdentityToken, "Incorrect token audience"},
		"no audience":                {claim("aud", nil), key.KindInvalidIdentityToken, "Incorrect token audience"},
		"an audience in capitals":    {claim("aud", "STS"), key.KindInvalidIdentityToken, "Incorrect token audience"},
		"the client as azp alone":    {i.token(func(c map[string]any) { c["aud"], c["azp"] = "elsewhere", "sts" }), key.KindInvalidIdentityToken, "Incorrect token audience"},
		"expired":                    {claim("exp", i.now.Add(-time.Second).Unix()), key.KindExpiredWebIdentityToken, "Token expired"},
		"expires at this moment":     {claim("exp", i.now.Unix()), key.KindExpiredWebIdentityToken, "Token expired"},
		"without an end":             {claim("exp", nil), key.KindExpiredWebIdentityToken, "Token expired"},
		"an end that cannot be":      {claim("exp", 1e300), key.KindInvalidIdentityToken, noJWT},
		"an end as text":             {claim("exp", "4102444800"), key.KindInvalidIdentityToken, noJWT},
		"not valid yet":              {claim("nbf", i.now.Add(6*time.Minute).Unix()), key.KindInvalidIdentityToken, "not valid yet"},
		"issued in the future":       {claim("iat", i.now.Add(6*time.Minute).Unix()), key.KindInvalidIdentityToken, "not valid yet"},
		"no subject":                 {claim("sub", nil), key.KindInvalidIdentityToken, "no subject"},
		"a long subject":             {claim("sub", strings.Repeat("s", 256)), key.KindInvalidIdentityToken, "too long"},
		"tags of the wrong type":     {claim("https://aws.amazon.com/tags", 5), key.KindInvalidIdentityToken, noJWT},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := i.Verify(t.Context(), c.token, i.provider())
			wantKind(t, err, c.kind, c.part)
		})
	}
	if _, err := i.Verify(t.Context(), good, i.provider()); err != nil {
		t.Errorf("and the good one: %v", err)
	}
}

// Symmetric keys, encryption keys and small keys of a provider are not used.
func TestKeysThatDoNotSign(t *testing.T) {
	i := newIssuer(t)
	i.set = func() any {
		return map[string]any{"keys": []any{
			map[string]any{"kty": "oct", "kid": "k1", "k": "c2VjcmV0"},
			jose.JSONWebKey{Key: i.key.Public(), KeyID: "k1", Use: "enc"},
			map[string]any{"kty": "RSA", "kid": "k1", "n": "AQAB", "e": "AQAB"},
			map[string]any{"kty": "EC", "kid": "k1", "crv": "P-256", "x": "AQ", "y": "AQ"},
		}}
	}
	_, err := i.Verify(t.Context(), i.token(nil), i.provider())
	wantKind(t, err, key.KindInvalidIdentityToken, "signature")
	_, err = i.Verify(t.Context(), i.sign(jose.HS256, []byte("secretsecretsecretsecretsecretse"), "k1", i.claims(nil)), i.provider())
	wantKind(t, err, key.KindInvalidIdentityToken, "not a valid JWT")
}

func TestProvidersThatCannotBeAsked(t *testing.T) {
	for name, change := range map[string]func(*issuer, *Provider){
		"gone":            func(i *issuer, _ *Provider) { i.Close() },
		"another issuer":  func(i *issuer, _ *Provider) { i.named = "https://evil.example" },
		"keys over HTTP":  func(i *issuer, _ *Provider) { i.jwks = "http" + strings.TrimPrefix(i.URL, "https") + "/keys" },
		"keys in a file":  func(i *issuer, _ *Provider) { i.jwks = "file:///etc/passwd" },
		"a redirection":   func(i *issuer, _ *Provider) { i.jwks = i.URL + "/away" },
		"endless keys":    func(i *issuer, _ *Provider) { i.jwks = i.URL + "/endless" },
		"no keys there":   func(i *issuer, _ *Provider) { i.jwks = i.URL + "/nowhere" },
		"no JSON":         func(i *issuer, _ *Provider) { i.set = func() any { return "x" } },
		"not our roots":   func(i *issuer, p *Provider) { p.Roots = "" },
		"no roots at all": func(i *issuer, p *Provider) { p.Roots = "x" },
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			p := i.provider()
			token := i.token(nil)
			change(i, &p)
			_, err := i.Verify(t.Context(), token, p)
			wantKind(t, err, key.KindIDPCommunicationError, "Error communicating")
		})
	}
}

// Tokens with unknown keys do not cause one request to the provider each.
func TestProvidersAreAskedSeldom(t *testing.T) {
	i := newIssuer(t)
	verify := func(id string) error {
		_, err := i.Verify(t.Context(), i.sign(jose.RS256, i.key, id, i.claims(nil)), i.provider())
		return err
	}
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() { verify("unknown") })
	}
	group.Wait()
	if n := i.fetches.Load(); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	i.moved.Store(int64(fetchRest))
	i.set = func() any { return i.keySet(jose.JSONWebKey{Key: i.key.Public(), KeyID: "k2"}) }
	if err := verify("k2"); err != nil { // the provider has rotated its keys
		t.Error(err)
	}
	if err := verify("k1"); err == nil {
		t.Error("a key that the provider has removed is accepted")
	}
	if n := i.fetches.Load(); n != 2 {
		t.Errorf("the provider was asked %d times", n)
	}
	i.Close()
	i.moved.Store(int64(keysAge)/2 + int64(fetchRest))
	if err := verify("k2"); err != nil {
		t.Errorf("keys are recent and the provider is down: %v", err)
	}
	i.moved.Store(int64(2 * keysAge))
	_, err := i.Verify(t.Context(), i.sign(jose.RS256, i.key, "k2", i.claims(func(c map[string]any) { c["exp"] = i.now.Add(5 * time.Hour).Unix() })), i.provider())
	wantKind(t, err, key.KindIDPCommunicationError, "")
}
