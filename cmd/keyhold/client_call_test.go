package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/keyhold/keyhold/internal/api"
)

// A request that is not part of the KMS API is repeated after ThrottlingException, up to a bound, and after no other
// error. It is not repeated when the command is interrupted.
func TestRepeatedCalls(t *testing.T) {
	for _, test := range []struct {
		code                   string
		status, refused        int // the first requests are refused
		attempts, want         int // attempts of the SDK, and requests
		delay                  time.Duration
		succeeds, interruption bool
	}{
		{"ThrottlingException", 400, 0, 3, 1, 0, true, false},
		{"ThrottlingException", 400, 2, 3, 3, 0, true, false},
		{"ThrottlingException", 400, 3, 3, 3, 0, false, false},
		{"ThrottlingException", 400, 1, 1, 1, 0, false, false},
		{"ThrottlingException", 400, 1 << 30, 1000, maxAttempts, 0, false, false},
		{"ThrottlingException", 400, 1, 3, 1, time.Hour, false, true},
		{"KMSInternalException", 500, 1, 3, 1, 0, false, false},
		{"AccessDeniedException", 400, 1, 3, 1, 0, false, false},
		{"ConflictException", 400, 1, 3, 1, 0, false, false},
	} {
		name := fmt.Sprintf("%s, %d refused, %d attempts", test.code, test.refused, test.attempts)
		ctx, cancel := context.WithCancel(t.Context())
		asked := 0
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if asked++; asked <= test.refused {
				w.Header().Set("X-Amzn-Errortype", test.code)
				w.WriteHeader(test.status)
				if test.interruption {
					time.AfterFunc(100*time.Millisecond, cancel)
				}
			}
			fmt.Fprint(w, "{}")
		}))
		keys := credentials.NewStaticCredentialsProvider("a", "b", "")
		c := &connection{endpoint: s.URL, region: "us-east-1", credentials: keys, Client: kms.New(kms.Options{
			BaseEndpoint: &s.URL, Region: "us-east-1", Credentials: keys, HTTPClient: s.Client(),
			Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
				o.MaxAttempts = test.attempts
				o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return test.delay, nil })
			}),
		})}
		err := c.call(ctx, api.TargetAdmin, "RevokeSessions", &api.IdentityRequest{Kind: aws.String("user")}, nil)
		refused, _ := errors.AsType[*devRefusal](err)
		if asked != test.want || test.succeeds != (err == nil) || !test.succeeds && (refused == nil || refused.code != test.code) {
			t.Errorf("%s: %d requests, %v", name, asked, err)
		}
		cancel()
		s.Close()
	}
}
