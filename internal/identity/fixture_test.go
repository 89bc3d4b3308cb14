package identity

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"
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
		Lookup:  keys(AccessKey{ID: exampleID, Secret: NewSecret(exampleSecret), Principal: Root(account)}),
		Regions: func(r string) bool { return r == region || r == "us-gov-west-1" },
		Now:     wallTime,
	}
}

func keys(known ...AccessKey) Lookup {
	return func(_ context.Context, id string) (AccessKey, bool, error) {
		for _, k := range known {
			if k.ID == id {
				return k, true, nil
			}
		}
		return AccessKey{}, false, nil
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

// A verdict is what a server made of a request.
type verdict struct {
	proto  string
	caller Caller
	err    error
}

// serve starts a server that verifies what it receives.
func serve(t *testing.T, v *Verifier, http2 bool) (*httptest.Server, <-chan verdict) {
	t.Helper()
	verdicts := make(chan verdict, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil {
			t.Error(err)
		}
		caller, err := v.Verify(r, body.Bytes(), "kms")
		verdicts <- verdict{r.Proto, caller, err}
	}))
	if http2 {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s, verdicts
}

// send sends a request to a server and returns its verdict.
func send(t *testing.T, s *httptest.Server, verdicts <-chan verdict, r *http.Request) verdict {
	t.Helper()
	response, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	return <-verdicts
}
