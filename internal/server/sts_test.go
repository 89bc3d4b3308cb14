package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/keyhold/keyhold/kmstest"
)

func rootCredentials() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(kmstest.AccessKeyID, kmstest.SecretAccessKey, "")
}

// stsClient returns a client of the official SDK for the server.
func stsClient(s *kmstest.Server, c aws.CredentialsProvider) *sts.Client {
	return sts.New(sts.Options{BaseEndpoint: &s.Endpoint, Region: kmstest.Region, Credentials: c, RetryMaxAttempts: 1})
}

func wantCode(t *testing.T, err error, code, part string) {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok || e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), part) {
		t.Errorf("got %v, want %s …%s…", err, code, part)
	}
}

// The official client gets a session of the root, which KMS treats like the root.
func TestSessionOfRoot(t *testing.T) {
	s := kmstest.Start(t)
	root := stsClient(s, rootCredentials())
	who, err := root.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:iam::000000000000:root" || *who.Account != kmstest.Account || *who.UserId != kmstest.Account {
		t.Fatalf("%+v, %v", who, err)
	}
	out, err := root.GetSessionToken(t.Context(), &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)})
	if err != nil {
		t.Fatal(err)
	}
	c := credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	use := func(c aws.CredentialsProvider) error {
		_, err := kms.New(s.Client.Options(), func(o *kms.Options) { o.Credentials = c }).CreateKey(t.Context(), &kms.CreateKeyInput{})
		return err
	}
	if err := use(c); err != nil {
		t.Error(err)
	}
	if who, err = stsClient(s, c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err != nil || *who.Arn != "arn:aws:iam::000000000000:root" {
		t.Errorf("%+v, %v", who, err)
	}
	tampered := credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, strings.ToLower(*out.Credentials.SessionToken))
	wantCode(t, use(tampered), "UnrecognizedClientException", "The security token included in the request is invalid.")
	_, err = stsClient(s, tampered).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "InvalidClientTokenId", "The security token included in the request is invalid.")
	_, err = stsClient(kmstest.Start(t), c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "InvalidClientTokenId", "The security token included in the request is invalid.")
	s.Advance(15 * time.Minute)
	wantCode(t, use(c), "ExpiredTokenException", "The security token included in the request is expired")
	_, err = stsClient(s, c).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	wantCode(t, err, "ExpiredToken", "The security token included in the request is expired")
}

// query signs and sends a form.
func query(t *testing.T, s *kmstest.Server, service, body string, change func(*http.Request)) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	hash := sha256.Sum256([]byte(body))
	c := aws.Credentials{AccessKeyID: kmstest.AccessKeyID, SecretAccessKey: kmstest.SecretAccessKey}
	if err := v4.NewSigner().SignHTTP(t.Context(), c, r, hex.EncodeToString(hash[:]), service, kmstest.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	return do(t, r)
}

func TestQueryProtocol(t *testing.T) {
	s := kmstest.Start(t)
	const identity = "Action=GetCallerIdentity&Version=2011-06-15"
	got := query(t, s, "sts", identity, nil)
	id := got.header.Get("X-Amzn-Requestid")
	want := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><UserId>000000000000</UserId>` +
		`<Account>000000000000</Account><Arn>arn:aws:iam::000000000000:root</Arn></GetCallerIdentityResult>` +
		`<ResponseMetadata><RequestId>` + id + `</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
	if got.status != 200 || got.body != want || got.header.Get("Content-Type") != "text/xml" {
		t.Errorf("%d %v\n%s", got.status, got.header, got.body)
	}
	for name, c := range map[string]struct {
		service, body string
		change        func(*http.Request)
		status        int
		code, message string
	}{
		"another operation of STS": {"sts", "Action=GetFederationToken&Version=2011-06-15&Name=x", nil, 400, "InvalidAction", "Could not find operation GetFederationToken for version 2011-06-15"},
		"an action of IAM":         {"iam", "Action=ListUsers&Version=2010-05-08", nil, 400, "InvalidAction", "Could not find operation ListUsers for version 2010-05-08"},
		"an action of KMS":         {"sts", "Action=ListKeys&Version=2011-06-15", nil, 400, "InvalidAction", "Could not find operation ListKeys"},
		"an action of ours":        {"sts", "Action=RecreateKey&Version=2011-06-15", nil, 400, "InvalidAction", "Could not find operation RecreateKey"},
		"another version":          {"sts", "Action=GetCallerIdentity&Version=2011-06-16", nil, 400, "InvalidAction", "Could not find operation GetCallerIdentity for version 2011-06-16"},
		"nothing":                  {"sts", "", nil, 400, "InvalidAction", ""},
		"signed for KMS":           {"kms", identity, nil, 403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: &#39;sts&#39;."},
		"signed for IAM":           {"iam", identity, nil, 403, "SignatureDoesNotMatch", "&#39;sts&#39;."},
		"not signed":               {"sts", identity, func(r *http.Request) { r.Header.Del("Authorization") }, 403, "MissingAuthenticationToken", "Missing Authentication Token"},
		"another body":             {"sts", identity, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(identity + "&")); r.ContentLength++ }, 403, "SignatureDoesNotMatch", ""},
		"twice":                    {"sts", identity + "&Action=AssumeRole", nil, 400, "MalformedInput", "a parameter twice"},
		"a list with a gap":        {"sts", "Action=AssumeRole&Version=2011-06-15&PolicyArns.member.2.arn=x", nil, 400, "MalformedInput", "the list PolicyArns has a gap"},
		"a member that is missing": {"sts", "Action=AssumeRole&Version=2011-06-15&RoleArn=arn:aws:iam::000000000000:role/x", nil, 400, "ValidationError", "Value null at &#39;roleSessionName&#39;"},
		"by GET":                   {"sts", identity, func(r *http.Request) { r.Method = http.MethodGet }, 403, "SignatureDoesNotMatch", ""},
	} {
		got := query(t, s, c.service, c.body, c.change)
		if got.status != c.status || !strings.Contains(got.body, "<Type>Sender</Type><Code>"+c.code+"</Code>") || !strings.Contains(got.body, c.message) ||
			got.header.Get("Content-Type") != "text/xml" || !strings.Contains(got.body, "<RequestId>"+got.header.Get("X-Amzn-Requestid")) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	// KMS requests must not be signed for STS, and the KMS protocol does not offer STS operations.
	a := send(t, s, "TrentService.GetCallerIdentity", "{}", nil)
	wantRefusal(t, a, "UnknownOperationException", "The request names no operation of this service.")
	a = send(t, s, "STS.GetCallerIdentity", "{}", nil)
	wantRefusal(t, a, "UnknownOperationException", "The request names no operation of this service.")
}
