package sigv4

import (
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

// config serves two Regions and knows one access key.
func config() Config {
	return Config{
		Lookup:  keys(identity.AccessKey{ID: exampleID, Secret: identity.NewSecret(exampleSecret), Principal: identity.Root(account)}),
		Regions: func(r string) bool { return r == region || r == "us-gov-west-1" },
		Now:     wallTime,
	}
}

func keys(known ...identity.AccessKey) identity.Lookup {
	return func(_ context.Context, id string) (identity.AccessKey, bool, error) {
		for _, k := range known {
			if k.ID == id {
				return k, true, nil
			}
		}
		return identity.AccessKey{}, false, nil
	}
}

// A signing is what the SDK's signer is asked for; the zero value of a field
// stands for the example.
type signing struct {
	id, secret, token, service, region, payload string
	at                                          time.Time
}

func (s signing) sign(t testing.TB, r *http.Request, body string) {
	t.Helper()
	credentials := aws.Credentials{AccessKeyID: or(s.id, exampleID), SecretAccessKey: or(s.secret, exampleSecret), SessionToken: s.token}
	if s.at.IsZero() {
		s.at = wallTime()
	}
	err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, or(s.payload, sha256Hex(body)), or(s.service, "kms"), or(s.region, region), s.at)
	if err != nil {
		t.Fatal(err)
	}
}

func or(s, example string) string {
	if s == "" {
		return example
	}
	return s
}

func sha256Hex(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// unsignedRequest is a request as an SDK makes it, before it is signed.
func unsignedRequest(body string) *http.Request {
	r := httptest.NewRequest("POST", "http://kms.example.com/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "TrentService.DescribeKey")
	r.Header.Set("User-Agent", "test/1.0")
	return r
}

func signedRequest(t testing.TB, s signing, body string) *http.Request {
	t.Helper()
	r := unsignedRequest(body)
	s.sign(t, r, body)
	return r
}

// asCame is a request of a client as a server has it.
func asCame(r *http.Request) *Request {
	came := &Request{Method: r.Method, Target: r.URL.RequestURI()}
	if r.Host != "" {
		came.Header = append(came.Header, Field{"host", r.Host})
	}
	if r.ContentLength >= 0 {
		came.Header = append(came.Header, Field{"content-length", strconv.FormatInt(r.ContentLength, 10)})
	}
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		for _, value := range r.Header[name] {
			if name != "Host" { // which no client sends from there
				came.Header = append(came.Header, Field{strings.ToLower(name), strings.Trim(value, " \t")})
			}
		}
	}
	return came
}

// verify has a request of a client verified.
func verify(v *Verifier, r *http.Request, body []byte, service string) (identity.Caller, error) {
	return v.Verify(context.Background(), asCame(r), body, service)
}
