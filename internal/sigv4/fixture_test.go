package sigv4

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/keyhold/keyhold/internal/identity"
)

// The example credentials of the AWS documentation.
const (
	exampleID     = "AKIAIOSFODNN7EXAMPLE"
	exampleSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
	account       = "111122223333"
	region        = "eu-west-2"
	body          = `{"KeyId":"alias/example"}`
)

func wallTime() time.Time { return time.Date(2026, 1, 1, 0, 10, 0, 0, time.UTC) }

// config returns the configuration of a Verifier with two Regions and one access key.
func config() Config {
	return Config{
		Lookup:  lookupOf(identity.AccessKey{ID: exampleID, Secret: identity.NewSecret(exampleSecret), Principal: identity.Root(account)}),
		Regions: func(r string) bool { return r == region || r == "us-gov-west-1" },
		Now:     wallTime,
	}
}

func lookupOf(known ...identity.AccessKey) identity.Lookup {
	return func(_ context.Context, id string) (identity.AccessKey, bool, error) {
		for _, k := range known {
			if k.ID == id {
				return k, true, nil
			}
		}
		return identity.AccessKey{}, false, nil
	}
}

// A signer signs requests with the signer of the AWS SDK. Zero fields mean the values of the example.
type signer struct {
	id, secret, token, service, region, payload string
	at                                          time.Time
}

func (s signer) sign(t testing.TB, r *http.Request, body string) {
	t.Helper()
	credentials := aws.Credentials{AccessKeyID: cmp.Or(s.id, exampleID), SecretAccessKey: cmp.Or(s.secret, exampleSecret), SessionToken: s.token}
	if s.at.IsZero() {
		s.at = wallTime()
	}
	err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, cmp.Or(s.payload, sha256Hex(body)), cmp.Or(s.service, "kms"), cmp.Or(s.region, region), s.at)
	if err != nil {
		t.Fatal(err)
	}
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// unsignedRequest returns a request of an SDK before it is signed.
func unsignedRequest(body string) *http.Request {
	r := httptest.NewRequest("POST", "http://kms.example.com/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService.DescribeKey")
	r.Header.Set("User-Agent", "test/1.0")
	return r
}

func signedRequest(t testing.TB, s signer, body string) *http.Request {
	t.Helper()
	r := unsignedRequest(body)
	s.sign(t, r, body)
	return r
}

// toRequest converts a request of a client to the Request that a server parses from it.
func toRequest(r *http.Request) *Request {
	parsed := &Request{Method: r.Method, Target: r.URL.RequestURI()}
	if r.Host != "" {
		parsed.Header = append(parsed.Header, Field{"host", r.Host})
	}
	if r.ContentLength >= 0 {
		parsed.Header = append(parsed.Header, Field{"content-length", strconv.FormatInt(r.ContentLength, 10)})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			if name != "Host" { // clients send Host from r.Host only
				parsed.Header = append(parsed.Header, Field{strings.ToLower(name), strings.Trim(value, " \t")})
			}
		}
	}
	return parsed
}

// verify verifies a request of a client.
func verify(v *Verifier, r *http.Request, body []byte, service string) (identity.Caller, error) {
	return v.Verify(context.Background(), toRequest(r), body, service)
}
