package browser

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

const clientID = "keyhold-console"

// An issuer is an OIDC provider that signs in everybody without a question.
type issuer struct {
	*testing.T
	*httptest.Server
	key *rsa.PrivateKey

	mu     sync.Mutex
	codes  map[string]url.Values // the requests for authorization by their codes
	refuse bool                  // refuses to sign in
	nonce  string                // replaces the nonce in tokens, if not empty
	tokens string                // the origin of the token endpoint
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	i := &issuer{T: t, Server: httptest.NewTLSServer(mux), key: k, codes: map[string]url.Values{}}
	t.Cleanup(i.Close)
	i.tokens = i.URL
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.answer(w, map[string]string{"issuer": i.URL, "jwks_uri": i.URL + "/keys",
			"authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.tokens + "/token"})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.answer(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: k.Public(), KeyID: "1"}}})
	})
	mux.HandleFunc("/authorize", i.authorize)
	mux.HandleFunc("/token", i.redeem)
	return i
}

func (i *issuer) answer(w http.ResponseWriter, value any) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	json.NewEncoder(w).Encode(value)
}

// authorize sends the user back with a code.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	q := r.URL.Query()
	if q.Get("client_id") != clientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("scope") != "openid" {
		http.Error(w, "not a request of the console", http.StatusBadRequest)
		return
	}
	code := rand.Text()
	i.codes[code] = q
	back := url.Values{"state": {q.Get("state")}, "code": {code}}
	if i.refuse {
		back = url.Values{"state": {q.Get("state")}, "error": {"access_denied"}, "error_description": {"<b>not you</b>"}}
	}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

// redeem gives a token for a code and the verifier of its challenge (RFC 7636, section 4.6).
func (i *issuer) redeem(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	asked := i.codes[r.FormValue("code")]
	delete(i.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if asked == nil || base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Get("code_challenge") ||
		r.FormValue("redirect_uri") != asked.Get("redirect_uri") || r.FormValue("client_id") != clientID {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant"})
		return
	}
	nonce := asked.Get("nonce")
	if i.nonce != "" {
		nonce = i.nonce
	}
	i.answer(w, map[string]string{"id_token": i.token(nonce), "token_type": "Bearer", "access_token": "unused"})
}

func (i *issuer) token(nonce string) string {
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: i.key, KeyID: "1"}}, nil)
	if err != nil {
		panic(err)
	}
	claims, _ := json.Marshal(map[string]any{"iss": i.URL, "sub": "alice", "aud": clientID, "nonce": nonce,
		"email": "alice@example.org", "exp": time.Now().Add(time.Hour).Unix()})
	jws, err := s.Sign(claims)
	if err != nil {
		panic(err)
	}
	text, err := jws.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

// set changes how the issuer answers.
func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

// seed writes a seed file with the issuer, a role for its users, and a role for the account, and returns its name.
func (i *issuer) seed() string {
	dir := i.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.Certificate().Raw})
	host := strings.TrimPrefix(i.URL, "https://")
	const policy = `
[[role.policy]]
name = "use"
document = '''{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["keyhold:ListKeySummaries","kms:ListKeys"],"Resource":"*"}]}'''
`
	text := `
[[oidc_provider]]
url = "` + i.URL + `"
client_ids = ["` + clientID + `"]
ca_file = "ca.pem"

[[role]]
name = "people"
trust = '''{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",
  "Principal":{"Federated":"arn:aws:iam::000000000000:oidc-provider/` + host + `"},
  "Condition":{"StringEquals":{"` + host + `:aud":"` + clientID + `"}}}]}'''
` + policy + `
[[user]]
name = "alice"
[[user.access_key]]
id = "AKIAALICE"
secret = "alice"
[[user.policy]]
name = "all"
document = '''{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["kms:*","sts:AssumeRole"],"Resource":"*"}]}'''

[[role]]
name = "reader"
trust = '''{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"000000000000"},"Action":"sts:AssumeRole"}]}'''
` + policy
	name := filepath.Join(dir, "seed.toml")
	for file, content := range map[string]string{name: text, filepath.Join(dir, "ca.pem"): string(ca)} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			i.Fatal(err)
		}
	}
	return name
}
