package webidentity

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/keyhold/keyhold/internal/key"
)

// signText signs a header and claims given as text, with the issuer's RSA key.
func (i *issuer) signText(header, claims string) string {
	i.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(header)) + "." + encode([]byte(claims))
	signature, err := signRS256(i.key.(*rsa.PrivateKey), text)
	if err != nil {
		i.Fatal(err)
	}
	return text + "." + encode(signature)
}

// Claim names match exactly: a name in another spelling is another claim.
func TestNamesOfClaimsAreExact(t *testing.T) {
	i := newIssuer(t)
	const header = `{"alg":"RS256","kid":"k1"}`
	end := i.now.Unix() + 60
	claims := func(more string) string {
		return fmt.Sprintf(`{"iss":%q,"sub":"app","aud":"sts","exp":%d%s}`, i.URL, end, more)
	}
	for _, more := range []string{
		``, `,"Sub":"admin"`, `,"SUB":"admin"`, `,"Aud":"elsewhere"`, `,"ISS":"https://evil.example"`, `,"Exp":1`,
		`,"Https://aws.amazon.com/Source_Identity":"admin"`, `,"HTTPS://AWS.AMAZON.COM/TAGS":{"principal_tags":{"team":["x"]}}`,
		`,"https://aws.amazon.com/tags":{"Principal_Tags":{"team":["x"]}}`,
	} {
		c, err := i.Verify(t.Context(), i.signText(header, claims(more)), i.provider())
		if err != nil || c.Subject != "app" || c.Audience != "sts" || c.SourceIdentity != "" || len(c.Tags.Principal) != 0 {
			t.Errorf("%s: %+v, %v", more, c, err)
		}
	}
	for _, only := range []string{
		fmt.Sprintf(`{"Iss":%q,"sub":"app","aud":"sts","exp":%d}`, i.URL, end),
		fmt.Sprintf(`{"iss":%q,"Sub":"app","aud":"sts","exp":%d}`, i.URL, end),
		fmt.Sprintf(`{"iss":%q,"sub":"app","AUD":"sts","exp":%d}`, i.URL, end),
		fmt.Sprintf(`{"iss":%q,"sub":"app","aud":"sts","EXP":%d}`, i.URL, end),
	} {
		if c, err := i.Verify(t.Context(), i.signText(header, only), i.provider()); err == nil {
			t.Errorf("%s: %+v", only, c)
		}
	}
}

// Tokens that two readers could interpret differently are rejected, even with a valid signature.
func TestAmbiguousTokens(t *testing.T) {
	i := newIssuer(t)
	const header = `{"alg":"RS256","kid":"k1"}`
	good := fmt.Sprintf(`{"iss":%q,"sub":"app","aud":"sts","exp":%d}`, i.URL, i.now.Unix()+60)
	with := func(more string) string { return strings.TrimSuffix(good, "}") + more + "}" }
	valid := i.signText(header, good)
	if _, err := i.Verify(t.Context(), valid, i.provider()); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(valid, ".")
	for name, token := range map[string]string{
		"sub twice":                    i.signText(header, with(`,"sub":"admin"`)),
		"sub twice, one escaped":       i.signText(header, with(`,"\u0073ub":"admin"`)),
		"iss twice":                    i.signText(header, with(`,"iss":"https://evil.example"`)),
		"an unknown claim twice":       i.signText(header, with(`,"x":1,"x":2`)),
		"a tag twice":                  i.signText(header, with(`,"https://aws.amazon.com/tags":{"principal_tags":{"team":["x"],"team":["y"]}}`)),
		"deep in an unknown claim":     i.signText(header, with(`,"x":[{"y":{"z":1,"z":2}}]`)),
		"invalid UTF-8":                i.signText(header, with(",\"name\":\"\xff\"")),
		"invalid UTF-8 in the subject": i.signText(header, strings.Replace(good, "app", "ap\xc3", 1)),
		"half a surrogate pair":        i.signText(header, with(`,"name":"\ud800"`)),
		"something after the claims":   i.signText(header, good+`{}`),
		"no object":                    i.signText(header, `[]`),
		"alg twice":                    i.signText(`{"alg":"RS256","kid":"k1","alg":"RS256"}`, good),
		"alg twice, none first":        i.signText(`{"alg":"none","kid":"k1","alg":"RS256"}`, good),
		"kid twice":                    i.signText(`{"alg":"RS256","kid":"k2","kid":"k1"}`, good),
		"another spelling of alg":      i.signText(`{"Alg":"RS256","kid":"k1"}`, good),
		"alg in two spellings":         i.signText(`{"alg":"none","ALG":"RS256","kid":"k1"}`, good),
		"a critical extension":         i.signText(`{"alg":"RS256","kid":"k1","crit":["b64"],"b64":true}`, good),
		"no critical extensions":       i.signText(`{"alg":"RS256","kid":"k1","crit":[]}`, good),
		"a break in the payload":       parts[0] + "." + parts[1][:8] + "\n" + parts[1][8:] + "." + parts[2],
		"a break after the signature":  valid + "\n",
		"padding":                      parts[0] + "=." + parts[1] + "." + parts[2],
	} {
		_, err := i.Verify(t.Context(), token, i.provider())
		if e, ok := err.(*key.Error); !ok || e.Kind != key.KindInvalidIdentityToken {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Issuer(token); err == nil && !strings.Contains(name, "alg") {
			t.Errorf("%s: the issuer is believed", name)
		}
	}
}

// A provider's document that two readers could interpret differently yields no keys.
func TestAmbiguousDocuments(t *testing.T) {
	for name, change := range map[string]func(*issuer) (discovery, keys string){
		"issuer twice": func(i *issuer) (string, string) {
			return fmt.Sprintf(`{"issuer":"https://evil.example","issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/keys"), ""
		},
		"another spelling of issuer": func(i *issuer) (string, string) {
			return fmt.Sprintf(`{"Issuer":%q,"jwks_uri":%q}`, i.URL, i.URL+"/keys"), ""
		},
		"another spelling of jwks_uri": func(i *issuer) (string, string) {
			return fmt.Sprintf(`{"issuer":%q,"JWKS_URI":%q}`, i.URL, i.URL+"/keys"), ""
		},
		"jwks_uri twice": func(i *issuer) (string, string) {
			return fmt.Sprintf(`{"issuer":%q,"jwks_uri":"https://evil.example","jwks_uri":%q}`, i.URL, i.URL+"/keys"), ""
		},
		"something after it": func(i *issuer) (string, string) {
			return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q} x`, i.URL, i.URL+"/keys"), ""
		},
		"invalid UTF-8": func(i *issuer) (string, string) {
			return fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q,"x":"`, i.URL, i.URL+"/keys") + "\xff\"}", ""
		},
		"keys twice":                func(*issuer) (string, string) { return "", `{"keys":[],"keys":[KEY]}` },
		"something after the keys":  func(*issuer) (string, string) { return "", `{"keys":[KEY]}{}` },
		"a member of a key twice":   func(*issuer) (string, string) { return "", `{"keys":[{"kid":"k0",KEY]}` },
		"invalid UTF-8 in the keys": func(*issuer) (string, string) { return "", "{\"x\":\"\xff\",\"keys\":[KEY]}" },
	} {
		t.Run(name, func(t *testing.T) {
			i := newIssuer(t)
			token := i.token(nil)
			discovery, keys := change(i)
			text, err := jose.JSONWebKey{Key: i.key.Public(), KeyID: "k1"}.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			keys = strings.Replace(keys, `{"kid":"k0",KEY`, `{"kid":"k0",`+string(text[1:]), 1)
			keys = strings.Replace(keys, "KEY", string(text), 1)
			ok := i.Config.Handler
			i.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case discovery != "" && strings.HasSuffix(r.URL.Path, "configuration"):
					w.Write([]byte(discovery))
				case keys != "" && r.URL.Path == "/keys":
					w.Write([]byte(keys))
				default:
					ok.ServeHTTP(w, r)
				}
			})
			_, err = i.Verify(t.Context(), token, i.provider())
			wantKind(t, err, key.KindIDPCommunicationError, "")
		})
	}
}

// Members of a key in another spelling are ignored. A private key that a provider publishes by mistake is read
// as its public key.
func TestSpellingsOfKeys(t *testing.T) {
	i := newIssuer(t)
	text, err := jose.JSONWebKey{Key: i.key.Public(), KeyID: "k1"}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		old, new string
		good     bool
	}{
		{`"kid"`, `"KID"`, false},
		{`"kty"`, `"Kty"`, false},
		{`"n":`, `"N":`, false},
		{`{`, `{"Use":"enc",`, true},
		{`{`, `{"use":"enc",`, false},
		{`{`, `{"x5c":["AAAA"],"d":"AQ","p":"AQ","q":"AQ",`, true},
	} {
		i := newIssuer(t)
		changed := strings.Replace(string(text), c.old, c.new, 1)
		i.set = func() any { return rawJSON(`{"keys":[` + changed + `]}`) }
		if _, err := i.Verify(t.Context(), i.token(nil), i.provider()); (err == nil) != c.good {
			t.Errorf("%s for %s: %v", c.new, c.old, err)
		}
	}
}

type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func signRS256(k *rsa.PrivateKey, text string) ([]byte, error) {
	sum := sha256.Sum256([]byte(text))
	return rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
}
