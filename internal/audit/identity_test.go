package audit

import (
	"strings"
	"testing"
	"time"
)

func TestLineOfSessions(t *testing.T) {
	e := sample()
	e.EventSource = STS
	e.UserIdentity = Identity{
		Type: "AssumedRole", PrincipalID: "AROAEXAMPLE:build", ARN: "arn:aws:sts::111122223333:assumed-role/ci/build",
		AccountID: "111122223333", AccessKeyID: "ASIAEXAMPLE",
		Session: Session{
			Issued: time.Date(2026, 3, 1, 13, 0, 0, 50_999_999, time.FixedZone("", 3600)),
			Issuer: Issuer{"Role", "AROAEXAMPLE", "arn:aws:iam::111122223333:role/ci", "111122223333", "ci"},

			FederatedProvider: "arn:aws:iam::111122223333:oidc-provider/example.com", SourceIdentity: "alice",
		},
	}
	want := `{"eventVersion":"1.11","eventSource":"sts.amazonaws.com","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:build",` +
		`"arn":"arn:aws:sts::111122223333:assumed-role/ci/build","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE",` +
		`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROAEXAMPLE","arn":"arn:aws:iam::111122223333:role/ci","accountId":"111122223333","userName":"ci"},` +
		`"webIdFederationData":{"federatedProvider":"arn:aws:iam::111122223333:oidc-provider/example.com"},` +
		`"attributes":{"creationDate":"2026-03-01T12:00:00Z","mfaAuthenticated":"false"},"sourceIdentity":"alice"}},"eventTime"`
	if got := string(mustLine(t, e)); !strings.HasPrefix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	e.UserIdentity = Identity{Type: "WebIdentityUser", PrincipalID: "p:aud:sub", UserName: "sub", IdentityProvider: "p"}
	want = `"userIdentity":{"type":"WebIdentityUser","principalId":"p:aud:sub","userName":"sub","identityProvider":"p"},"eventTime"`
	if got := string(mustLine(t, e)); !strings.Contains(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
