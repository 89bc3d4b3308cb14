package sigv4

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/keyhold/keyhold/internal/identity"
	"github.com/keyhold/keyhold/internal/key"
)

const (
	sessionID     = "ASIAIOSFODNN7EXAMPLE"
	sessionSecret = "a secret of a session"
	sessionToken  = "a+token/that=is+good"
)

func aSession() identity.Principal {
	return identity.Role{Entity: identity.Entity{Account: account, Name: "deployer", Path: "/ci/", ID: "AROAEXAMPLE"}}.
		Principal(&identity.Session{AccessKeyID: sessionID, Account: account, Name: "build-7"})
}

func withSessions() Config {
	c := config()
	c.Sessions = func(_ context.Context, token string) (identity.AccessKey, bool, error) {
		k := identity.AccessKey{ID: sessionID, Secret: identity.NewSecret(sessionSecret), Principal: aSession()}
		k.Expired = token == sessionToken+"-over"
		return k, token == sessionToken || k.Expired, nil
	}
	return c
}

func TestSessions(t *testing.T) {
	for _, c := range []struct {
		name string
		signing
		kind    key.Kind
		message string
	}{
		{"good", signing{id: sessionID, secret: sessionSecret, token: sessionToken}, "", ""},
		{"no token", signing{id: sessionID, secret: sessionSecret}, key.KindUnrecognizedClient, unknownKey},
		{"another token", signing{id: sessionID, secret: sessionSecret, token: sessionToken + "x"}, key.KindUnrecognizedClient, unknownKey},
		{"a token of another ID", signing{id: "ASIAOTHER", secret: sessionSecret, token: sessionToken}, key.KindUnrecognizedClient, unknownKey},
		{"a token beside a key of long standing", signing{token: sessionToken}, key.KindUnrecognizedClient, unknownKey},
		{"another secret", signing{id: sessionID, secret: exampleSecret, token: sessionToken}, key.KindInvalidSignature, mismatch},
		{"over", signing{id: sessionID, secret: sessionSecret, token: sessionToken + "-over"}, key.KindExpiredToken, "The security token included in the request is expired"},
		{"over, and another secret", signing{id: sessionID, secret: "x", token: sessionToken + "-over"}, key.KindInvalidSignature, mismatch},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := verify(NewVerifier(withSessions()), signedRequest(t, c.signing, body), []byte(body), "kms")
			if c.kind != "" {
				wantRefusal(t, err, c.kind, c.message)
				return
			}
			want := aSession()
			want.AccessKeyID = sessionID
			if err != nil || !reflect.DeepEqual(got.Principal, want) {
				t.Errorf("got %+v, %v", got.Principal, err)
			}
		})
	}
}

// The token is signed, and there is one of it.
func TestSessionTokenHeader(t *testing.T) {
	s := signing{id: sessionID, secret: sessionSecret, token: sessionToken}
	r := signedRequest(t, s, body)
	r.Header.Set("X-Amz-Security-Token", sessionToken+"-over")
	_, err := verify(NewVerifier(withSessions()), r, []byte(body), "kms")
	wantRefusal(t, err, key.KindInvalidSignature, mismatch)

	r = signedRequest(t, s, body)
	r.Header.Add("X-Amz-Security-Token", sessionToken)
	_, err = verify(NewVerifier(withSessions()), r, []byte(body), "kms")
	wantRefusal(t, err, key.KindInvalidSignature, "The request has more than one 'X-Amz-Security-Token' header.")
}

func TestSessionsFail(t *testing.T) {
	failure := errors.New("the store is away")
	with := withSessions()
	with.Sessions = func(context.Context, string) (identity.AccessKey, bool, error) {
		return identity.AccessKey{}, false, failure
	}
	_, err := verify(NewVerifier(with), signedRequest(t, signing{token: "t"}, body), []byte(body), "kms")
	if refusal := (*key.Error)(nil); !errors.Is(err, failure) || errors.As(err, &refusal) {
		t.Errorf("got %v, want the failure and no refusal", err)
	}
}

// A signature for one service is not valid for another.
func TestServicesAreApart(t *testing.T) {
	v := NewVerifier(config())
	_, err := verify(v, signedRequest(t, signing{}, body), []byte(body), "sts")
	wantRefusal(t, err, key.KindInvalidSignature, "Credential should be scoped to correct service: 'sts'.")
	_, err = verify(v, signedRequest(t, signing{service: "sts"}, body), []byte(body), "kms")
	wantRefusal(t, err, key.KindInvalidSignature, "Credential should be scoped to correct service: 'kms'.")
	if _, err = verify(v, signedRequest(t, signing{service: "sts"}, body), []byte(body), "sts"); err != nil {
		t.Error(err)
	}
}
