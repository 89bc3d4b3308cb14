package sigv4

import (
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// The example of "Derive a signing key" in the IAM User Guide.
func TestSigningKeyVector(t *testing.T) {
	d := derivation{"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20150830", "us-east-1", "iam"}
	const want = "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
	if got := hex.EncodeToString(d.signingKey()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The published Signature Version 4 test suite: the examples for "/" without a query and without
// repeated headers.
func TestPublishedSuite(t *testing.T) {
	const secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	const form = "application/x-www-form-urlencoded"
	cases := []struct {
		name, method, body string
		headers            []string // names and values in turn
		signature          string
	}{
		{"get-vanilla", "GET", "", nil, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"get-header-value-trim", "GET", "", []string{"My-Header1", " value1", "My-Header2", ` "a   b   c"`},
			"acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
		{"post-vanilla", "POST", "", nil, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
		{"post-header-key-sort", "POST", "", []string{"My-Header1", "value1"},
			"c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
		{"post-header-value-case", "POST", "", []string{"My-Header1", "VALUE1"},
			"cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
		{"post-x-www-form-urlencoded", "POST", "Param1=value1", []string{"Content-Type", form},
			"ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
	}
	v := NewVerifier(Config{
		Lookup:  lookupOf(identity.AccessKey{ID: "AKIDEXAMPLE", Secret: identity.NewSecret(secret), Principal: identity.Root(account)}),
		Regions: func(r string) bool { return r == "us-east-1" },
		Now:     func() time.Time { return time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC) },
	})
	t.Attr("ran", fmt.Sprintf("%d requests of the published suite of Signature Version 4", len(cases)))
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, "http://example.amazonaws.com/", strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			signed := "host"
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Set(c.headers[i], c.headers[i+1])
				signed += ";" + strings.ToLower(c.headers[i])
			}
			signed = strings.Replace(signed, "host;content-type", "content-type;host", 1)
			r.Header.Set("X-Amz-Date", "20150830T123600Z")
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "+
				"SignedHeaders="+signed+";x-amz-date, Signature="+c.signature)
			if _, err := verify(v, r, []byte(c.body), "service"); err != nil {
				t.Error(err)
			}
			_, err = verify(v, r, []byte(c.body+" "), "service")
			wantRefusal(t, err, key.KindInvalidSignature, mismatch)
		})
	}
}
