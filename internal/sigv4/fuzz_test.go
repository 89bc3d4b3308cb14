package sigv4

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/keyhold/keyhold/internal/key"
)

// A request that was not signed with the secret is refused with a key.Error, for every
// Authorization header and date. The signed headers of a header that can be parsed have one
// spelling.
func FuzzAuthorization(f *testing.F) {
	for _, s := range []signer{{secret: "wrong"}, {id: "UNKNOWN"}, {region: "us-gov-west-1", secret: "wrong"}} {
		r := signedRequest(f, s, body)
		f.Add(r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date"))
	}
	f.Add("AWS4-HMAC-SHA256 Credential=a/20260101/eu-west-2/kms/aws4_request,SignedHeaders=host;x-amz-date,Signature="+strings.Repeat("0", 64), "20260101T001000Z")
	f.Add("AWS4-HMAC-SHA256 Credential=////,SignedHeaders=;,Signature=", "")
	v := NewVerifier(config())
	f.Fuzz(func(t *testing.T, header, date string) {
		r := unsignedRequest(body)
		r.Header.Set("Authorization", header)
		r.Header.Set("X-Amz-Date", date)
		_, err := verify(v, r, []byte(body), "kms")
		if refusal := (*key.Error)(nil); !errors.As(err, &refusal) || refusal.Message == "" {
			t.Fatalf("got %v, want a refusal", err)
		}
		a, err := parseAuthorization(toRequest(r).Header)
		if err != nil {
			return
		}
		list := strings.Join(a.signedHeaders, ";")
		if !slices.IsSorted(a.signedHeaders) || list != strings.ToLower(list) || !strings.Contains(header, "SignedHeaders="+list) {
			t.Errorf("signed headers %q from %q", a.signedHeaders, header)
		}
	})
}
