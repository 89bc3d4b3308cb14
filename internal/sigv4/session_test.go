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

func sessionPrincipal() identity.Principal {
	return identity.Role{Entity: identity.Entity{Account: account, Name: "deployer", Path: "/ci/", ID: "AROAEXAMPLE"}}.
		Principal(&identity.Session{AccessKeyID: sessionID, Account: account, Name: "build-7"})
}

func sessionConfig() Config {
	c := config()
	c.Sessions = func(_ context.Context, token string) (identity.AccessKey, bool, error) {
		k := identity.AccessKey{ID: sessionID, Secret: identity.NewSecret(sessionSecret), Principal: sessionPrincipal()}
		k.Expired = token == sessionToken+"-over"
		return k, token == sessionToken || k.Expired, nil
	}
	return c
}

func TestSessions(t *testing.T) {
	for _, c := range []struct {
		name string
		signer
		kind    key.Kind
		message string
	}{
		{"good", signer{id: sessionID, secret: sessionSecret, token: sessionToken}, "", ""},
		{"no token", signer{id: sessionID, secret: sessionSecret}, key.KindUnrecognizedClient, unknownKey},
		{"another token", signer{id: sessionID, secret: sessionSecret, token: sessionToken + "x"}, key.KindUnrecognizedClient, unknownKey},
		{"a token of another ID", signer{id: "ASIAOTHER", secret: sessionSecret, token: sessionToken}, key.KindUnrecognizedClient, unknownKey},
		{"a token with a long-term access key", signer{token: sessionToken}, key.KindUnrecognizedClient, unknownKey},
		{"another secret", signer{id: sessionID, secret: exampleSecret, token: sessionToken}, key.KindInvalidSignature, mismatch},
		{"expired", signer{id: sessionID, secret: sessionSecret, token: sessionToken + "-over"}, key.KindExpiredToken, "The security token included in the request is expired"},
		{"expired, and another secret", signer{id: sessionID, secret: "x", token: sessionToken + "-over"}, key.KindInvalidSignature, mismatch},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := verify(NewVerifier(sessionConfig()), signedRequest(t, c.signer, body), []byte(body), "kms")
			if c.kind != "" {
				wantRefusal(t, err, c.kind, c.message)
				return
			}
			want := sessionPrincipal()
			want.AccessKeyID = sessionID
			if err != nil || !reflect.DeepEqual(got.Principal, want) {
				t.Errorf("got %+v, %v", got.Principal, err)
			}
		})
	}
}

// The token must be signed, and given once.
func TestSessionTokenHeader(t *testing.T) {
	s := signer{id: sessionID, secret: sessionSecret, token: sessionToken}
	r := signedRequest(t, s, body)
	r.Header.Set("X-Amz-Security-Token", sessionToken+"-over")
	_, err := verify(NewVerifier(sessionConfig()), r, []byte(body), "kms")
	wantRefusal(t, err, key.KindInvalidSignature, mismatch)

	r = signedRequest(t, s, body)
	r.Header.Add("X-Amz-Security-Token", sessionToken)
	_, err = verify(NewVerifier(sessionConfig()), r, []byte(body), "kms")
	wantRefusal(t, err, key.KindInvalidSignature, "The request has more than one 'X-Amz-Security-Token' header.")
}

func TestSessionsFail(t *testing.T) {
	failure := errors.New("the store is away")
	cfg := sessionConfig()
	cfg.Sessions = func(context.Context, string) (identity.AccessKey, bool, error) {
		return identity.AccessKey{}, false, failure
	}
	_, err := verify(NewVerifier(cfg), signedRequest(t, signer{token: "t"}, body), []byte(body), "kms")
	if refusal := (*key.Error)(nil); !errors.Is(err, failure) || errors.As(err, &refusal) {
		t.Errorf("got %v, want the failure and no refusal", err)
	}
}

// A signature for one service is not valid for another.
func TestServiceIsSigned(t *testing.T) {
	v := NewVerifier(config())
	_, err := verify(v, signedRequest(t, signer{}, body), []byte(body), "sts")
	wantRefusal(t, err, key.KindInvalidSignature, "Credential should be scoped to correct service: 'sts'.")
	_, err = verify(v, signedRequest(t, signer{service: "sts"}, body), []byte(body), "kms")
	wantRefusal(t, err, key.KindInvalidSignature, "Credential should be scoped to correct service: 'kms'.")
	if _, err = verify(v, signedRequest(t, signer{service: "sts"}, body), []byte(body), "sts"); err != nil {
		t.Error(err)
	}
}

// An error of the search for an access key is the error of the verification, whatever the search returns with it.
func TestErrorsOfSearches(t *testing.T) {
	fault := errors.New("the store is gone")
	for name, id := range map[string]string{"the right key": exampleID, "another key": "AKIAOTHER", "no key": ""} {
		c := config()
		found := identity.AccessKey{ID: id, Secret: identity.NewSecret(exampleSecret), Principal: identity.Root(account)}
		c.Sessions = func(context.Context, string) (identity.AccessKey, bool, error) { return found, true, fault }
		r := signedRequest(t, signer{token: "token"}, body)
		if _, err := verify(NewVerifier(c), r, []byte(body), "kms"); !errors.Is(err, fault) {
			t.Errorf("a session, %s: %v", name, err)
		}
		c = config()
		c.Lookup = func(context.Context, string) (identity.AccessKey, bool, error) { return found, true, fault }
		if _, err := verify(NewVerifier(c), signedRequest(t, signer{}, body), []byte(body), "kms"); !errors.Is(err, fault) {
			t.Errorf("a lookup, %s: %v", name, err)
		}
	}
}
