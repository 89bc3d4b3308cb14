package sigv4

import (
	"cmp"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

// Verify accepts requests that the AWS SDK for Go signs and sends to a server with fasthttp.
func TestSDKSignatures(t *testing.T) {
	cases := []struct {
		name, body, secret string
		header             http.Header
	}{
		{name: "plain", body: body},
		{name: "empty object", body: "{}"},
		{name: "no body"},
		{name: "unicode body", body: `{"Description":"Ключ – 鍵 🔑"}`},
		{name: "large body", body: strings.Repeat("x", 100<<10)},
		{name: "secret longer than a block", body: body, secret: strings.Repeat("s", 100)},
		{name: "short secret", body: body, secret: "test"},
		{name: "payload hash as a header", body: body, header: http.Header{"X-Amz-Content-Sha256": {sha256Hex(body)}}},
		{name: "odd spaces", body: body, header: http.Header{"X-Amz-Note": {"   a   b  c "}, "My-Note": {"two  \"quoted   words\""}}},
		{name: "empty value", body: body, header: http.Header{"X-Amz-Note": {""}, "My-Note": {"   "}}},
		{name: "unicode header", body: body, header: http.Header{"X-Amz-Note": {"Ключ 🔑"}}},
		{name: "header order", body: body, header: http.Header{"X-Amz-A": {"1"}, "X-Amz-A-B": {"2"}, "X-Amz-A_b": {"3"}, "X-Amz-Ab": {"4"}}},
		{name: "usual headers", body: body, header: http.Header{
			"Accept-Encoding": {"identity"}, "Amz-Sdk-Invocation-Id": {"7f6e"}, "Amz-Sdk-Request": {"attempt=1; max=3"}, "Accept": {"*/*"},
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			secret := cmp.Or(c.secret, exampleSecret)
			cfg := config()
			cfg.Lookup = lookupOf(identity.AccessKey{ID: exampleID, Secret: identity.NewSecret(secret), Principal: identity.Root(account)})
			url, results := serve(t, NewVerifier(cfg))
			request := func() *http.Request {
				r, err := http.NewRequestWithContext(t.Context(), "POST", url, strings.NewReader(c.body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Content-Type", "application/x-amz-json-1.1")
				r.Header.Set("X-Amz-Target", "TrentService.DescribeKey")
				for name, values := range c.header {
					r.Header[name] = values
				}
				return r
			}
			r := request()
			signer{secret: secret}.sign(t, r, c.body)
			got := send(t, results, r)
			if got.err != nil {
				t.Fatal(got.err)
			}
			want := identity.Caller{Principal: identity.Root(account), Region: region, SignedAt: wallTime()}
			want.Principal.AccessKeyID = exampleID
			if !reflect.DeepEqual(got.caller, want) {
				t.Errorf("caller %+v, want %+v", got.caller, want)
			}
			r = request()
			signer{secret: secret + "x"}.sign(t, r, c.body)
			wantRefusal(t, send(t, results, r).err, key.KindInvalidSignature, mismatch)
		})
	}
}

// A chunked body has no Content-Length, so the SDK cannot sign one.
func TestChunkedBody(t *testing.T) {
	url, results := serve(t, NewVerifier(config()))
	r, err := http.NewRequestWithContext(t.Context(), "POST", url, struct{ *strings.Reader }{strings.NewReader(body)})
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = -1
	signer{}.sign(t, r, body)
	if got := send(t, results, r); got.err != nil {
		t.Error(got.err)
	}
	r = r.Clone(t.Context())
	r.Body = http.NoBody
	wantRefusal(t, send(t, results, r).err, key.KindInvalidSignature, mismatch)
}
